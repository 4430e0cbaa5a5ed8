//! The structure of a JSON text, byte by byte.

use memchr::memchr2;

/// The position of a byte in a JSON text: the number of brackets around it, and whether it is in a string.
#[derive(Default)]
pub(super) struct JsonScan {
    depth: usize,
    in_string: bool,
    is_escaped: bool,
    is_closed: bool,
}

impl JsonScan {
    /// Creates a scan that begins inside this number of objects.
    pub(super) fn inside(depth: usize) -> Self {
        Self { depth, ..Self::default() }
    }

    pub(super) fn is_in_string(&self) -> bool {
        self.in_string
    }

    /// Returns the number of open brackets.
    pub(super) fn depth(&self) -> usize {
        self.depth
    }

    /// Returns whether the outermost bracket was closed.
    pub(super) fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// Scans one more byte.
    pub(super) fn advance(&mut self, byte: u8) {
        if self.in_string {
            match byte {
                _ if self.is_escaped => self.is_escaped = false,
                b'\\' => self.is_escaped = true,
                b'"' => self.in_string = false,
                _ => {}
            }
            return;
        }
        match byte {
            b'"' => self.in_string = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => {
                self.depth = self.depth.saturating_sub(1);
                self.is_closed = self.depth == 0;
            }
            _ => {}
        }
    }

    /// Scans bytes up to the one that ends an element of an array. Returns its index, or `None` if the element continues
    /// behind the bytes.
    pub(super) fn find_end_of_element(&mut self, bytes: &[u8]) -> Option<usize> {
        self.find(bytes, |scan, byte| scan.depth == 0 && matches!(byte, b',' | b']'))
    }

    /// Scans bytes up to the one that ends a member of an object. Returns its index, or `None` if the member continues
    /// behind the bytes.
    pub(super) fn find_end_of_member(&mut self, bytes: &[u8]) -> Option<usize> {
        self.find(bytes, |scan, byte| scan.depth == 0 && matches!(byte, b',' | b'}' | b']'))
    }

    /// Scans bytes up to the outermost closing bracket. Returns its index, or `None` if it is behind the bytes.
    pub(super) fn find_closing_bracket(&mut self, bytes: &[u8]) -> Option<usize> {
        self.find(bytes, |scan, byte| scan.depth <= 1 && matches!(byte, b'}' | b']'))
    }

    /// Scans bytes up to the first outside of strings for which `is_end` returns `true`.
    fn find(&mut self, bytes: &[u8], is_end: impl Fn(&Self, u8) -> bool) -> Option<usize> {
        let mut at = 0;
        loop {
            if self.in_string && !self.is_escaped {
                at += memchr2(b'"', b'\\', bytes.get(at..)?)?;
            }
            let byte = *bytes.get(at)?;
            if !self.in_string && is_end(self, byte) {
                return Some(at);
            }
            self.advance(byte);
            at += 1;
        }
    }
}
