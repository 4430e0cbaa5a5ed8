//! The encodings of what forwarders deliver, and how a receiver separates the messages.

use activity_privacy::export::{ActivityFormat, Framing, Syslog};
use activity_privacy::store::PublicActivity;

/// The encoding of one forwarder.
#[derive(Debug, Clone)]
pub(crate) enum Encoding {
    Line(ActivityFormat),
    Syslog(Syslog, Framing),
}

impl Encoding {
    /// Returns every format, and syslog messages in either framing.
    pub(crate) fn all() -> Vec<(String, Self)> {
        let mut all: Vec<_> = ActivityFormat::ALL.into_iter().map(|of| (of.to_string(), Self::Line(of))).collect();
        for (framing, format) in
            [(Framing::OctetCounting, ActivityFormat::Cef), (Framing::LineFeed, ActivityFormat::Ecs)]
        {
            let syslog = Syslog::new("log-1.contoso.example", format).unwrap().with_enterprise_number(32_473);
            all.push((format!("syslog_{framing}"), Self::Syslog(syslog.with_framing(framing), framing)));
        }
        all
    }

    pub(crate) fn bytes(&self, activity: &PublicActivity) -> Vec<u8> {
        let mut bytes = Vec::new();
        match self {
            Self::Line(format) => format.write(activity, &mut bytes),
            Self::Syslog(syslog, _) => syslog.write(activity, &mut bytes),
        }
        .unwrap();
        bytes
    }

    /// Returns the whole messages of one connection. The last one can be incomplete.
    pub(crate) fn messages<'a>(&self, mut connection: &'a [u8]) -> Vec<&'a str> {
        let mut messages = Vec::new();
        while let Some((message, rest)) = self.first(connection) {
            messages.push(std::str::from_utf8(message).unwrap());
            connection = rest;
        }
        messages
    }

    fn first<'a>(&self, bytes: &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
        if let Self::Syslog(_, Framing::OctetCounting) = self {
            let end = bytes.iter().position(|byte| *byte == b' ')?;
            let length: usize = std::str::from_utf8(&bytes[..end]).unwrap().parse().unwrap();
            return bytes[end + 1..].split_at_checked(length);
        }
        let end = bytes.iter().position(|byte| *byte == b'\n')?;
        Some((&bytes[..end], &bytes[end + 1..]))
    }
}
