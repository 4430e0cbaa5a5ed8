//! The attributes and object classes that determine the identity and the memberships of an entry.

use crate::import::spelling::Holds;

/// An attribute that is read. All others are skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Attribute {
    ObjectClass,
    EntryUuid,
    ObjectGuid,
    NsUniqueId,
    ObjectSid,
    UserPrincipalName,
    Mail,
    MailAlternateAddress,
    MailLocalAddress,
    EmailAddress,
    ProxyAddresses,
    KrbPrincipalName,
    Uid,
    SamAccountName,
    MailNickname,
    DisplayName,
    Cn,
    Member,
    UniqueMember,
    RoleOccupant,
    MemberUid,
    MemberOf,
    MemberUrl,
    SambaSidList,
    UserAccountControl,
    NsAccountLock,
    PwdAccountLockedTime,
    IsDeleted,
    GidNumber,
    PrimaryGroupId,
    SambaPrimaryGroupSid,
}

use Attribute::*;

/// The name of each attribute in messages, then its other names and object identifiers, in lower case.
const ATTRIBUTES: &[(Attribute, &str, &[&str])] = &[
    (ObjectClass, "objectClass", &["2.5.4.0"]),
    (EntryUuid, "entryUUID", &["1.3.6.1.1.16.4"]),
    (ObjectGuid, "objectGUID", &["1.2.840.113556.1.4.2"]),
    (NsUniqueId, "nsUniqueId", &["2.16.840.1.113730.3.1.542"]),
    (
        ObjectSid,
        "objectSid",
        &["1.2.840.113556.1.4.146", "sambasid", "1.3.6.1.4.1.7165.2.1.20", "ipantsecurityidentifier"],
    ),
    (UserPrincipalName, "userPrincipalName", &["1.2.840.113556.1.4.656"]),
    (Mail, "mail", &["rfc822mailbox", "0.9.2342.19200300.100.1.3"]),
    (MailAlternateAddress, "mailAlternateAddress", &["2.16.840.1.113730.3.1.13"]),
    (MailLocalAddress, "mailLocalAddress", &["2.16.840.1.113730.3.1.18"]),
    (EmailAddress, "emailAddress", &["email", "pkcs9email", "1.2.840.113549.1.9.1"]),
    (ProxyAddresses, "proxyAddresses", &["1.2.840.113556.1.2.210"]),
    (KrbPrincipalName, "krbPrincipalName", &["2.16.840.1.113719.1.301.6.8.1"]),
    (Uid, "uid", &["userid", "0.9.2342.19200300.100.1.1"]),
    (SamAccountName, "sAMAccountName", &["1.2.840.113556.1.4.221"]),
    (MailNickname, "mailNickname", &["1.2.840.113556.1.2.447"]),
    (DisplayName, "displayName", &["2.16.840.1.113730.3.1.241"]),
    (Cn, "cn", &["commonname", "2.5.4.3"]),
    (Member, "member", &["2.5.4.31"]),
    (UniqueMember, "uniqueMember", &["2.5.4.50"]),
    (RoleOccupant, "roleOccupant", &["2.5.4.33"]),
    (MemberUid, "memberUid", &["1.3.6.1.1.1.1.12"]),
    (MemberOf, "memberOf", &["ismemberof", "groupmembership", "ibm-allgroups", "1.2.840.113556.1.2.102"]),
    (MemberUrl, "memberURL", &["2.16.840.1.113730.3.1.198", "mgrpdeliverto", "mgrprfc822mailmember"]),
    (SambaSidList, "sambaSIDList", &["1.3.6.1.4.1.7165.2.1.51"]),
    (UserAccountControl, "userAccountControl", &["1.2.840.113556.1.4.8"]),
    (NsAccountLock, "nsAccountLock", &["2.16.840.1.113730.3.1.610"]),
    (PwdAccountLockedTime, "pwdAccountLockedTime", &["1.3.6.1.4.1.42.2.27.8.1.17"]),
    (IsDeleted, "isDeleted", &["1.2.840.113556.1.2.48"]),
    (GidNumber, "gidNumber", &["1.3.6.1.1.1.1.1"]),
    (PrimaryGroupId, "primaryGroupID", &["1.2.840.113556.1.4.98"]),
    (SambaPrimaryGroupSid, "sambaPrimaryGroupSID", &["1.3.6.1.4.1.7165.2.1.23"]),
];

/// The attributes that name users, in the order of a user's aliases: the UPN first.
pub(super) const NAMES: [Attribute; 10] = [
    UserPrincipalName,
    Mail,
    ProxyAddresses,
    MailAlternateAddress,
    MailLocalAddress,
    EmailAddress,
    KrbPrincipalName,
    Uid,
    SamAccountName,
    MailNickname,
];

impl Attribute {
    /// Returns the attribute with this name or object identifier, without options.
    pub(super) fn named(name: &str) -> Option<Self> {
        let bare = name.get(..4).filter(|head| head.eq_ignore_ascii_case("oid.")).and_then(|_| name.get(4..));
        let same = |known: &str| known.eq_ignore_ascii_case(bare.unwrap_or(name));
        let known = ATTRIBUTES.iter().find(|(_, first, others)| same(first) || others.iter().any(|other| same(other)));
        known.map(|(attribute, ..)| *attribute)
    }

    /// Returns the attribute's name in messages.
    pub(super) fn name(self) -> &'static str {
        ATTRIBUTES.iter().find(|(attribute, ..)| *attribute == self).map_or("", |(_, name, _)| name)
    }

    /// Returns whether the values are distinguished names of other entries.
    pub(super) fn holds_dns(self) -> bool {
        matches!(self, Member | UniqueMember | RoleOccupant | MemberOf)
    }

    /// Returns whether the attribute of a group lists its members.
    pub(super) fn lists_members(self) -> bool {
        matches!(self, Member | UniqueMember | RoleOccupant | MemberUid)
    }

    /// Returns the source of a membership that this attribute states.
    pub(super) fn source(self) -> MembershipSource {
        match self {
            Member => MembershipSource::Member,
            UniqueMember => MembershipSource::UniqueMember,
            RoleOccupant => MembershipSource::RoleOccupant,
            MemberUid => MembershipSource::MemberUid,
            MemberOf => MembershipSource::MemberOf,
            _ => MembershipSource::Primary,
        }
    }

    pub(super) fn is_name(self) -> bool {
        NAMES.contains(&self)
    }

    /// Returns the kind of names in this attribute, or `None` if it does not name users.
    pub(super) fn holds(self) -> Option<Holds> {
        match self {
            Mail | MailAlternateAddress | MailLocalAddress | EmailAddress => Some(Holds::Addresses),
            ProxyAddresses => Some(Holds::ProxyAddresses),
            _ => self.is_name().then_some(Holds::Accounts),
        }
    }

    /// Returns whether the values are stored with a user.
    pub(super) fn is_of_person(self) -> bool {
        self.is_name() || matches!(self, UserAccountControl | NsAccountLock | PwdAccountLockedTime | IsDeleted)
    }

    /// Returns whether the values are stored with a group.
    pub(super) fn is_of_group(self) -> bool {
        matches!(self, DisplayName | Cn)
    }
}

/// The source of a membership. Several attributes can state the same membership, which ends when the last of them is
/// removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum MembershipSource {
    Member,
    UniqueMember,
    RoleOccupant,
    MemberUid,
    MemberOf,
    /// The group is the user's primary group.
    Primary,
}

impl MembershipSource {
    pub(super) const ALL: [Self; 6] =
        [Self::Member, Self::UniqueMember, Self::RoleOccupant, Self::MemberUid, Self::MemberOf, Self::Primary];
}

/// The meaning of an object class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum EntryClass {
    Person,
    Group,
    /// A machine, even if its class derives from a user class.
    Computer,
    /// A machine, unless the entry is also a person.
    Device,
    /// A group whose members are the occupants of a role, unless the entry is also a person. The first administrator of
    /// a server is often both.
    Role,
    /// A principal of another domain, or a well-known group of principals, identified by a SID alone.
    Foreign,
    /// A container or another entry that is neither user nor group.
    Place,
    /// A deleted entry.
    Tombstone,
    /// A referral to another server.
    Referral,
}

const CLASSES: &[(EntryClass, &[&str])] = &[
    (
        EntryClass::Person,
        &[
            "person",
            "2.5.6.6",
            "organizationalperson",
            "2.5.6.7",
            "residentialperson",
            "2.5.6.10",
            "inetorgperson",
            "2.16.840.1.113730.3.2.2",
            "user",
            "1.2.840.113556.1.5.9",
            "contact",
            "1.2.840.113556.1.5.15",
            "account",
            "0.9.2342.19200300.100.4.5",
            "pilotperson",
            "newpilotperson",
            "0.9.2342.19200300.100.4.4",
            "posixaccount",
            "1.3.6.1.1.1.2.0",
            "shadowaccount",
            "1.3.6.1.1.1.2.1",
            "sambasamaccount",
            "simplesecurityobject",
            "0.9.2342.19200300.100.4.19",
            "eduperson",
            "inetuser",
            "inetlocalmailrecipient",
            "nsperson",
            "nsaccount",
            "nsorgperson",
        ],
    ),
    (
        EntryClass::Group,
        &[
            "groupofnames",
            "2.5.6.9",
            "groupofuniquenames",
            "2.5.6.17",
            "group",
            "1.2.840.113556.1.5.8",
            "posixgroup",
            "1.3.6.1.1.1.2.2",
            "groupofmembers",
            "groupofurls",
            "groupofentries",
            "nestedgroup",
            "ipausergroup",
        ],
    ),
    (EntryClass::Role, &["organizationalrole", "2.5.6.8"]),
    (EntryClass::Foreign, &["foreignsecurityprincipal", "1.2.840.113556.1.5.76"]),
    (EntryClass::Computer, &["computer", "1.2.840.113556.1.3.30"]),
    (EntryClass::Device, &["device", "2.5.6.14", "iphost", "1.3.6.1.1.1.2.6", "ieee802device", "bootabledevice"]),
    (
        EntryClass::Place,
        &[
            "organizationalunit",
            "2.5.6.5",
            "organization",
            "2.5.6.4",
            "domain",
            "domaindns",
            "dcobject",
            "dnsdomain",
            "country",
            "2.5.6.2",
            "locality",
            "2.5.6.3",
            "container",
            "nscontainer",
            "builtindomain",
            "pwdpolicy",
        ],
    ),
    (EntryClass::Tombstone, &["nstombstone", "2.16.840.1.113730.3.2.113"]),
    (EntryClass::Referral, &["referral", "2.16.840.1.113730.3.2.6"]),
];

impl EntryClass {
    pub(super) fn named(name: &str) -> Option<Self> {
        let same = |known: &str| known.eq_ignore_ascii_case(name);
        CLASSES.iter().find(|(_, names)| names.iter().any(|known| same(known))).map(|(class, _)| *class)
    }
}
