//! The kind of an action, derived from its name.

use crate::activity::{Activity, ActorKind};

/// The kind of an action. Sources name actions freely, so this is a guess by the words of the name; the name itself is
/// always in the event too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ActionKind {
    Create,
    Read,
    Update,
    Delete,
    /// A user signs in.
    SignIn,
    /// A user signs out.
    SignOut,
    Other,
}

/// The words by which each kind is known, in lower case. The first word of a name that is here decides.
const WORDS: [(ActionKind, &[&str]); 4] = [
    (
        ActionKind::Create,
        &["add", "added", "copied", "copy", "create", "created", "new", "push", "upload", "uploaded", "send", "sent"],
    ),
    (
        ActionKind::Read,
        &[
            "access",
            "accessed",
            "download",
            "downloaded",
            "export",
            "exported",
            "get",
            "list",
            "previewed",
            "query",
            "read",
            "search",
            "searched",
            "view",
            "viewed",
            "synced",
        ],
    ),
    (
        ActionKind::Update,
        &[
            "change", "changed", "edit", "edited", "modified", "modify", "move", "moved", "rename", "renamed", "reset",
            "restore", "restored", "set", "share", "shared", "update", "updated",
        ],
    ),
    (
        ActionKind::Delete,
        &["delete", "deleted", "purge", "purged", "recycled", "remove", "removed", "revoke", "revoked"],
    ),
];

/// Names of actions by which a user signs in or out, without their separators and in lower case.
const SIGN_IN: [&str; 7] = ["login", "logon", "signin", "userloggedin", "userlogin", "userloginfailed", "usersignedin"];
const SIGN_OUT: [&str; 7] =
    ["logout", "logoff", "signout", "userloggedoff", "userloggedout", "usersignedout", "userlogout"];

impl ActionKind {
    pub(super) fn of(activity: &Activity) -> Self {
        let name = activity.action().as_str();
        let is_of_user = activity.actor().kind() == ActorKind::User && !activity.actor().identities().is_empty();
        let joined: String = name.chars().filter(|c| c.is_alphanumeric()).map(|c| c.to_ascii_lowercase()).collect();
        if is_of_user && SIGN_IN.contains(&&*joined) {
            return Self::SignIn;
        }
        if is_of_user && SIGN_OUT.contains(&&*joined) {
            return Self::SignOut;
        }
        let of_word = |word: String| WORDS.iter().find(|(_, words)| words.contains(&&*word)).map(|(kind, _)| *kind);
        words(name).find_map(of_word).unwrap_or(Self::Other)
    }
}

/// Returns the words of a name in lower case. A word ends before a capital after a small letter, and at any character
/// that is no letter.
fn words(name: &str) -> impl Iterator<Item = String> {
    let parts = name.split(|c: char| !c.is_ascii_alphabetic());
    parts.flat_map(|part| {
        let mut words = vec![String::new()];
        let mut after_small = false;
        for c in part.chars() {
            if c.is_ascii_uppercase() && after_small {
                words.push(String::new());
            }
            after_small = c.is_ascii_lowercase();
            if let Some(word) = words.last_mut() {
                word.push(c.to_ascii_lowercase());
            }
        }
        words
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::ActionKind::{Create, Delete, Other, Read, SignIn, SignOut, Update};
    use super::*;
    use crate::activity::{Actor, App};
    use crate::identity::Alias;

    #[test]
    fn f1_kind_of_action_follows_its_words() {
        let user = Actor::user(Alias::new("adele@contoso.example").unwrap());
        let kind = |actor: &Actor, action: &str| {
            let app = App::new("SharePoint".parse().unwrap());
            let builder =
                Activity::builder("a".parse().unwrap(), actor.clone(), app, action.parse().unwrap(), <_>::default());
            ActionKind::of(&builder.build().unwrap())
        };
        for (action, expected) in [
            ("FileAccessed", Read),
            ("FileModified", Update),
            ("FileDeletedFirstStageRecycleBin", Delete),
            ("Add member to group.", Create),
            ("New-InboxRule", Create),
            ("Set-Mailbox", Update),
            ("git.push", Create),
            ("UserLoggedIn", SignIn),
            ("Log in", SignIn),
            ("user_logged_out", SignOut),
            ("Straße", Other),
            ("|", Other),
            ("SETTLED", Other),
        ] {
            assert_eq!(kind(&user, action), expected, "{action}");
        }
        assert_eq!(kind(&Actor::unknown(), "UserLoggedIn"), Other, "no user signs in");
    }
}
