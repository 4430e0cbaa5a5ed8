//! Numbers in three bytes.

/// A number below 2^24, low byte first.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Packed([u8; 3]);

impl Packed {
    /// The number of values.
    pub(crate) const COUNT: u32 = 1 << 24;

    /// Packs a number below [`Self::COUNT`].
    pub(crate) fn new(number: u32) -> Self {
        let [a, b, c, _] = number.to_le_bytes();
        Self([a, b, c])
    }

    pub(super) fn from_bytes(bytes: [u8; 3]) -> Self {
        Self(bytes)
    }

    pub(super) fn bytes(self) -> [u8; 3] {
        self.0
    }

    pub(crate) fn get(self) -> u32 {
        let Self([a, b, c]) = self;
        u32::from_le_bytes([a, b, c, 0])
    }
}
