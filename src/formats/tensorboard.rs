//! TensorBoard's event files: records (length, data, masked CRC-32C of both) of `Event` messages in protobuf. Knows scalars only, not what
//! they are of.
//!
//! The formats are those of TensorFlow's `record_writer.cc`, `event.proto` and `summary.proto`.

use std::io::{self, Write};

/// What is added to a rotated checksum, so that data that holds checksums does not spoil its own.
const MASK: u32 = 0xa282_ead8;
/// The version that every file begins with.
const VERSION: &str = "brain.Event:2";

/// Kinds of protobuf fields on the wire.
#[derive(Clone, Copy)]
enum Wire {
    Varint = 0,
    Eight = 1,
    Bytes = 2,
    Four = 5,
}

/// A number of a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scalar<'a> {
    /// What it is: `train/loss`.
    pub tag: &'a str,
    pub step: u64,
    /// Seconds since 1970.
    pub wall_time: f64,
    pub value: f32,
}

/// Writes an event file.
pub struct EventWriter<W: Write> {
    to: W,
}

impl<W: Write> EventWriter<W> {
    /// Begins a file with its version.
    ///
    /// # Errors
    /// `to` cannot be written.
    pub fn new(to: W, wall_time: f64) -> io::Result<Self> {
        let mut writer = Self { to };
        let mut event = Vec::new();
        eight(&mut event, 1, wall_time);
        bytes(&mut event, 3, VERSION.as_bytes());
        writer.record(&event)?;
        Ok(writer)
    }

    /// Adds a number.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn scalar(&mut self, scalar: &Scalar<'_>) -> io::Result<()> {
        let mut value = Vec::new();
        bytes(&mut value, 1, scalar.tag.as_bytes());
        key(&mut value, 2, Wire::Four);
        value.extend_from_slice(&scalar.value.to_le_bytes());
        let mut summary = Vec::new();
        bytes(&mut summary, 1, &value);
        let mut event = Vec::new();
        eight(&mut event, 1, scalar.wall_time);
        // A field of protobuf that is 0 is left out.
        if scalar.step > 0 {
            key(&mut event, 2, Wire::Varint);
            varint(&mut event, scalar.step);
        }
        bytes(&mut event, 5, &summary);
        self.record(&event)
    }

    /// Ends the file and gives back what it was written to.
    ///
    /// # Errors
    /// The last part cannot be written.
    pub fn finish(mut self) -> io::Result<W> {
        self.to.flush()?;
        Ok(self.to)
    }

    fn record(&mut self, data: &[u8]) -> io::Result<()> {
        let length = (data.len() as u64).to_le_bytes();
        self.to.write_all(&length)?;
        self.to.write_all(&masked_crc(&length).to_le_bytes())?;
        self.to.write_all(data)?;
        self.to.write_all(&masked_crc(data).to_le_bytes())
    }
}

fn masked_crc(data: &[u8]) -> u32 {
    crc32c::crc32c(data).rotate_right(15).wrapping_add(MASK)
}

fn key(to: &mut Vec<u8>, field: u64, wire: Wire) {
    varint(to, field << 3 | wire as u64);
}

fn varint(to: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        to.push(number as u8 | 0x80);
        number >>= 7;
    }
    to.push(number as u8);
}

fn eight(to: &mut Vec<u8>, field: u64, number: f64) {
    key(to, field, Wire::Eight);
    to.extend_from_slice(&number.to_le_bytes());
}

fn bytes(to: &mut Vec<u8>, field: u64, content: &[u8]) {
    key(to, field, Wire::Bytes);
    varint(to, content.len() as u64);
    to.extend_from_slice(content);
}
