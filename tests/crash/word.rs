//! What the child says, line by line, and the activities that it speaks of.

use activity_privacy::activity::{Activity, Actor, App};
use std::io::Write;

use activity_privacy::engine::Visibility;
use activity_privacy::filter::IngestOutcome;
use activity_privacy::governance::RevealId;
use serde::{Deserialize, Serialize};

use crate::fixture::{alias, at};

/// One line. Written when it is true and not before.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Word {
    /// The files are open.
    Opened,
    /// There is a policy.
    Initialized,
    /// A call is about to be made.
    Began(u64, Call),
    /// It was answered.
    Ended(u64, ApprovalDecision),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Call {
    Ingest(Vec<Item>),
    Change,
    Reveal,
    Page,
    Close,
}

impl Call {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Ingest(_) => "ingest",
            Self::Change => "change",
            Self::Reveal => "reveal",
            Self::Page => "page",
            Self::Close => "closing",
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum ApprovalDecision {
    /// What became of each, the revision that was known to be in force before the call, and the one that was after it.
    Ingested {
        floor: u64,
        ceiling: u64,
        outcomes: Vec<AuditState>,
    },
    /// The revision that the change is in force as.
    Changed(u64),
    Revealed,
    /// A page of a reveal, with what stood on it.
    Shown {
        reveal: RevealId,
        shown: Vec<(String, Visibility)>,
    },
    /// A reveal, with how much was seen.
    Closed {
        reveal: RevealId,
        pages: u64,
        private: u64,
    },
    /// With a refusal that is in order here.
    Refused,
}

/// A delivery as a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum AuditState {
    Stored,
    Duplicate,
    Conflict,
}

impl AuditState {
    pub(crate) fn of(delivery: IngestOutcome) -> Self {
        match delivery {
            IngestOutcome::Stored => Self::Stored,
            IngestOutcome::Duplicate => Self::Duplicate,
            IngestOutcome::Conflict => Self::Conflict,
            IngestOutcome::NotMonitored => panic!("everything is monitored here"),
        }
    }
}

impl Word {
    /// In one write, so that no kill cuts a line that was begun from one that came after it.
    pub(crate) fn say(&self) {
        let line = format!("{}\n", serde_json::to_string(self).unwrap());
        std::io::stdout().write_all(line.as_bytes()).unwrap();
    }

    /// What a child said, without what the test harness says and without a line that a kill cut off.
    pub(crate) fn all(said: &str) -> Vec<Self> {
        let whole = said.rfind('\n').map_or("", |end| &said[..end]);
        let words = whole.lines().filter(|line| line.starts_with(['{', '"']));
        words.map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
    }
}

/// An activity by its id, with the first content or another one. Whoever knows the item can make the activity.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Item {
    pub(crate) id: String,
    pub(crate) other_content: bool,
}

impl Item {
    /// The `number`th that this child delivers, done by this actor.
    pub(crate) fn of(child: &str, number: u64, name: &str) -> Self {
        Self { id: format!("{child}-{number}-{name}"), other_content: false }
    }

    pub(crate) fn with_other_content(&self) -> Self {
        Self { id: self.id.clone(), other_content: !self.other_content }
    }

    pub(crate) fn name(&self) -> &str {
        name(&self.id)
    }

    pub(crate) fn activity(&self) -> Activity {
        let app = App::new("SharePoint".parse().unwrap());
        // Spread over an hour, in another order than that of storing.
        let second = self.id.bytes().fold(7_i64, |sum, byte| (sum * 31 + i64::from(byte)) % 3_600);
        let actor = Actor::user(alias(&format!("{}@contoso.com", self.name())));
        Activity::builder(self.id.parse().unwrap(), actor, app, "FileAccessed".parse().unwrap(), at(second))
            .details(if self.other_content { "the other content" } else { "the first content" })
            .build()
            .unwrap()
    }
}

/// Who did what has this id.
pub(crate) fn name(id: &str) -> &str {
    id.rsplit_once('-').unwrap().1
}
