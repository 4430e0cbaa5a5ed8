//! The messages of a child, and the activities that they refer to.

use activity_privacy::activity::{Activity, Actor, App};
use std::io::Write;

use activity_privacy::engine::Visibility;
use activity_privacy::filter::IngestOutcome;
use activity_privacy::governance::RevealId;
use serde::{Deserialize, Serialize};

use crate::fixture::{alias, at};

/// One message. It is sent once it is true.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Message {
    /// The files are open.
    Opened,
    /// The policy is initialized.
    Initialized,
    /// A call begins.
    Began(u64, Call),
    /// A call was answered.
    Ended(u64, Answer),
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
pub(crate) enum Answer {
    /// The outcome of each item, the revision known to be in force before the call, and the one after it.
    Ingested {
        floor: u64,
        ceiling: u64,
        outcomes: Vec<ItemOutcome>,
    },
    /// The revision of the change.
    Changed(u64),
    Revealed,
    /// A page of a reveal, with its content.
    Shown {
        reveal: RevealId,
        shown: Vec<(String, Visibility)>,
    },
    /// A reveal, with its totals.
    Closed {
        reveal: RevealId,
        pages: u64,
        private: u64,
    },
    /// An expected refusal.
    Refused,
}

/// A serializable ingest outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ItemOutcome {
    Stored,
    Duplicate,
    Conflict,
}

impl ItemOutcome {
    pub(crate) fn of(delivery: IngestOutcome) -> Self {
        match delivery {
            IngestOutcome::Stored => Self::Stored,
            IngestOutcome::Duplicate => Self::Duplicate,
            IngestOutcome::Conflict => Self::Conflict,
            IngestOutcome::NotMonitored => panic!("everything is monitored here"),
        }
    }
}

impl Message {
    /// Sends the message in one write, so that a kill never merges a partial line with the next one.
    pub(crate) fn send(&self) {
        let line = format!("{}\n", serde_json::to_string(self).unwrap());
        std::io::stdout().write_all(line.as_bytes()).unwrap();
    }

    /// Parses the messages of a child. Ignores the output of the test harness and a partial last line.
    pub(crate) fn all(output: &str) -> Vec<Self> {
        let whole = output.rfind('\n').map_or("", |end| &output[..end]);
        let lines = whole.lines().filter(|line| line.starts_with(['{', '"']));
        lines.map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
    }
}

/// An activity by its id, with the first content or another one. The activity follows from the item.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Item {
    pub(crate) id: String,
    pub(crate) other_content: bool,
}

impl Item {
    /// Returns the item with a number of a child and an actor.
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
        // Spread over an hour, in an order that differs from the storage order.
        let second = self.id.bytes().fold(7_i64, |sum, byte| (sum * 31 + i64::from(byte)) % 3_600);
        let actor = Actor::user(alias(&format!("{}@contoso.com", self.name())));
        Activity::builder(self.id.parse().unwrap(), actor, app, "FileAccessed".parse().unwrap(), at(second))
            .details(if self.other_content { "the other content" } else { "the first content" })
            .build()
            .unwrap()
    }
}

/// Returns the actor's name in an id.
pub(crate) fn name(id: &str) -> &str {
    id.rsplit_once('-').unwrap().1
}
