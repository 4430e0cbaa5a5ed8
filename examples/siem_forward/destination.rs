//! Destinations: a file, and a TCP socket.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::path::Path;
use std::time::Duration;

use activity_privacy::forward::{Accepted, Batch, DeliveryError, Forwarder};
use activity_privacy::store::PublicActivity;

use crate::arguments::Target;
use crate::encoding::Encoding;

/// The time after which a connection that makes no progress fails.
const PATIENCE: Duration = Duration::from_secs(10);

/// A connection to a destination.
pub(crate) struct Destination {
    encoding: Encoding,
    output: Output,
}

enum Output {
    File(File),
    Tcp(TcpStream),
}

impl Destination {
    pub(crate) fn connect(target: &Target, encoding: &Encoding) -> Result<Self, DeliveryError> {
        let output = match target {
            Target::File(path) => open(path).map(Output::File).map_err(|error| at(&path.display().to_string(), error)),
            Target::Tcp(address) => dial(address).map(Output::Tcp).map_err(|error| at(address, error)),
        };
        Ok(Self { encoding: encoding.clone(), output: output? })
    }
}

fn at(what: &str, error: std::io::Error) -> DeliveryError {
    DeliveryError::unavailable(format!("{what}: {error}"))
}

/// Opens a file to append to, without the part of a line that a crash left at its end.
fn open(path: &Path) -> std::io::Result<File> {
    let mut file = OpenOptions::new().create(true).read(true).append(true).open(path)?;
    let mut whole = file.seek(SeekFrom::End(0))?;
    let mut last = [0];
    while whole > 0 {
        file.seek(SeekFrom::Start(whole - 1))?;
        file.read_exact(&mut last)?;
        if last == *b"\n" {
            break;
        }
        whole -= 1;
    }
    file.set_len(whole)?;
    Ok(file)
}

fn dial(address: &str) -> std::io::Result<TcpStream> {
    let mut error = None;
    for address in address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(stream) => {
                stream.set_write_timeout(Some(PATIENCE))?;
                return Ok(stream);
            }
            Err(failed) => error = Some(failed),
        }
    }
    Err(error.unwrap_or_else(|| std::io::Error::other("the name has no address")))
}

impl Forwarder for Destination {
    fn deliver(&mut self, batch: &Batch<PublicActivity>) -> Result<Accepted, DeliveryError> {
        let mut bytes = Vec::new();
        for activity in batch.items() {
            self.encoding.write(activity, &mut bytes)?;
        }
        match &mut self.output {
            Output::File(file) => {
                file.write_all(&bytes)?;
                // Otherwise a crash of the machine could lose activities that were acknowledged.
                file.sync_data()?;
            }
            // TCP does not confirm that the receiver read it: what is in the buffers is lost if the receiver crashes.
            Output::Tcp(stream) => stream.write_all(&bytes)?,
        }
        Ok(Accepted::All)
    }
}
