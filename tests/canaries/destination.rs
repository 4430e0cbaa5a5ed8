//! A destination that keeps every byte that it receives, and can fail at any of them.

use std::sync::{Arc, Mutex};

use activity_privacy::forward::{Accepted, Batch, DeliveryError, Forwarder};
use activity_privacy::store::PublicActivity;

use super::encoding::Encoding;
use super::tokens::tokens;
use crate::chance::Chance;

pub(crate) struct Destination {
    encoding: Encoding,
    /// The bytes of each connection.
    received: Mutex<Vec<Vec<u8>>>,
    /// The source of failures. `None` if the destination never fails.
    failures: Option<Mutex<Chance>>,
}

impl Destination {
    pub(crate) fn new(encoding: Encoding, failures: Option<Chance>) -> Arc<Self> {
        Arc::new(Self { encoding, received: Mutex::default(), failures: failures.map(Mutex::new) })
    }

    pub(crate) fn connect(self: &Arc<Self>) -> Connection {
        self.received.lock().unwrap().push(Vec::new());
        Connection(Arc::clone(self))
    }

    /// Returns the bytes of all connections as text, each connection on a line of its own.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.received.lock().unwrap().join(&b'\n')).into_owned()
    }

    /// Returns the id of each message that was received whole, in order. Every message contains one token only, that of
    /// its activity.
    pub(crate) fn ids(&self) -> Vec<String> {
        let received = self.received.lock().unwrap();
        let messages = received.iter().flat_map(|connection| self.encoding.messages(connection));
        let id = |message| {
            let found: Vec<&str> = tokens(message).into_iter().collect();
            assert_eq!(found.len(), 1, "one activity in a message: {message}");
            found[0].to_owned()
        };
        messages.map(id).collect()
    }
}

/// A connection. After a failure, another one follows.
pub(crate) struct Connection(Arc<Destination>);

impl Forwarder for Connection {
    fn deliver(&mut self, batch: &Batch<PublicActivity>) -> Result<Accepted, DeliveryError> {
        let Destination { encoding, received, failures } = &*self.0;
        let encoded: Vec<Vec<u8>> = batch.items().iter().map(|activity| encoding.bytes(activity)).collect();
        let mut received = received.lock().unwrap();
        let connection = received.last_mut().unwrap();
        let Some(failures) = failures else {
            connection.extend(encoded.concat());
            return Ok(Accepted::All);
        };
        let mut chance = failures.lock().unwrap();
        let first = chance.below(encoded.len() as u64 + 1) as usize;
        match chance.below(6) {
            0 => {
                connection.extend(encoded[..first].concat());
                Ok(Accepted::First(first))
            }
            1 => {
                // The connection breaks within the batch.
                let all = encoded.concat();
                connection.extend(&all[..chance.below(all.len() as u64 + 1) as usize]);
                Err(DeliveryError::unavailable("the connection broke"))
            }
            2 => {
                connection.extend(encoded.concat());
                Err(DeliveryError::unavailable("the answer was lost"))
            }
            3 => {
                drop((received, chance));
                panic!("the destination panics by chance")
            }
            _ => {
                connection.extend(encoded.concat());
                Ok(Accepted::All)
            }
        }
    }
}
