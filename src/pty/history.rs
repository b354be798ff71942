//! A session's history on disk: every byte that its program wrote and every size its terminal had, in order.
//!
//! Offsets count positions of the stream: one for each byte of output and one for each resize, so that an offset names
//! exactly one cut of it. The shim alone writes; anybody may read at any time.
//!
//! A segment file is named by its first offset. It holds a header (magic, version, offset, rows, columns) and records
//! (kind, length, offset, payload), all little-endian. Invariants: segments are append-only, a torn record ends its
//! segment for readers, and what is missing shows as a jump of the offset.

use std::collections::VecDeque;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, BufReader, Cursor, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::model::Size;

/// One piece of a session's stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// Output of the program; the next frame stands at `offset + bytes.len()`.
    Bytes { offset: u64, bytes: Vec<u8> },
    /// The terminal's size changed; the next frame stands at `offset + 1`. The first frame of a [`Reader`] is one that
    /// takes no position: it tells the size in force where reading begins.
    Resize { offset: u64, size: Size },
}

impl Frame {
    pub const fn offset(&self) -> u64 {
        match self {
            Self::Bytes { offset, .. } | Self::Resize { offset, .. } => *offset,
        }
    }
}

const MAGIC: &[u8; 7] = b"orkhist";
const VERSION: u8 = 1;
const HEADER: usize = 7 + 1 + 8 + 4;
const RECORD: usize = 1 + 4 + 8;
const BYTES: u8 = 1;
const RESIZE: u8 = 2;
/// What is gathered before it is written, in bytes.
const BATCH: usize = 64 << 10;
/// What is kept in memory while the disk refuses it, in bytes; more is dropped, as a gap.
const BATCH_MAX: usize = 1 << 20;
/// The longest record that a reader accepts, in bytes.
const RECORD_MAX: usize = BATCH_MAX + BATCH;
/// A new segment is begun beyond this, in bytes.
const SEGMENT: u64 = 4 << 20;

/// The shim's end: gathers output and writes it in batches, without fsync.
pub struct Writer {
    dir: PathBuf,
    cap: u64,
    /// Segments on disk, oldest first: first offset and length.
    segments: VecDeque<(u64, u64)>,
    file: Option<File>,
    batch: Batch,
    end: u64,
    size: Size,
}

/// Records that wait to be written, and what a segment that begins with them must say.
struct Batch {
    records: Vec<u8>,
    /// Where the last record begins, if it holds bytes and may grow.
    open: Option<usize>,
    start: u64,
    size: Size,
}

impl Writer {
    /// An empty history in the new folder `dir`, which keeps about `cap` bytes: the oldest segments go first.
    pub fn create(dir: PathBuf, size: Size, cap: u64) -> io::Result<Self> {
        DirBuilder::new().mode(0o700).create(&dir)?;
        let batch = Batch { records: Vec::new(), open: None, start: 0, size };
        Ok(Self { dir, cap, segments: VecDeque::new(), file: None, batch, end: 0, size })
    }

    /// The offset after all that was appended.
    pub const fn end(&self) -> u64 {
        self.end
    }

    /// The size in force at [`Writer::end`].
    pub const fn size(&self) -> Size {
        self.size
    }

    /// Whether something waits to be written.
    pub fn pending(&self) -> bool {
        !self.batch.records.is_empty()
    }

    pub fn append(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        self.batch.bytes(self.end, bytes);
        self.end += bytes.len() as u64;
        self.settle();
    }

    pub fn resize(&mut self, size: Size) {
        self.batch.resize(self.end, size);
        self.end += 1;
        self.size = size;
        self.settle();
    }

    /// Writes what waits; on an error (a full disk) it stays in memory, up to 1 MB, for the next try.
    pub fn flush(&mut self) -> io::Result<()> {
        if self.batch.records.is_empty() {
            return Ok(());
        }
        if self.segments.back().is_none_or(|&(_, len)| len >= SEGMENT) || self.file.is_none() {
            self.rotate()?;
        }
        let file = self.file.as_mut().expect("invariant: rotate leaves a file");
        let (_, len) = self.segments.back_mut().expect("invariant: a file has its segment");
        if let Err(error) = file.write_all(&self.batch.records) {
            // Half a record must not stand before whole ones: cut it off, or leave it to be the end of its segment.
            if file.set_len(*len).is_err() {
                self.file = None;
            }
            return Err(error);
        }
        *len += self.batch.records.len() as u64;
        self.batch.restart(self.end, self.size);
        Ok(())
    }

    /// Reads from `from` to [`Writer::end`], what waits in memory included.
    pub fn replay(&self, from: u64) -> Reader {
        let mut reader = Reader::open(&self.dir, from);
        if !self.batch.records.is_empty() {
            let mut memory = header(self.batch.start, self.batch.size);
            memory.extend_from_slice(&self.batch.records);
            reader.sources.push_back(Source::Memory(self.batch.start, memory));
        }
        reader.skip_to(from);
        reader
    }

    /// Where a replay that can't be exact begins: an old enough start of a segment, so that at least 1 MB follows.
    pub fn late_start(&self) -> u64 {
        let old_enough = |&&(start, _): &&(u64, u64)| start + BATCH_MAX as u64 <= self.end;
        let start = self.segments.iter().rev().find(old_enough).or(self.segments.front());
        start.map_or(self.batch.start, |&(start, _)| start)
    }

    fn settle(&mut self) {
        if self.batch.records.len() >= BATCH && self.flush().is_err() && self.batch.records.len() >= BATCH_MAX {
            self.batch.restart(self.end, self.size);
        }
    }

    fn rotate(&mut self) -> io::Result<()> {
        let path = segment_path(&self.dir, self.batch.start);
        // `append`, so that a cut after a failed write moves the place of the next one too.
        let mut file = OpenOptions::new().append(true).create_new(true).mode(0o600).open(&path)?;
        if let Err(error) = file.write_all(&header(self.batch.start, self.batch.size)) {
            drop(fs::remove_file(&path));
            return Err(error);
        }
        self.file = Some(file);
        self.segments.push_back((self.batch.start, HEADER as u64));
        let mut total: u64 = self.segments.iter().map(|&(_, len)| len).sum();
        while total + SEGMENT > self.cap && self.segments.len() > 1 {
            if let Some((start, len)) = self.segments.pop_front() {
                drop(fs::remove_file(segment_path(&self.dir, start)));
                total -= len;
            }
        }
        Ok(())
    }
}

impl Batch {
    fn bytes(&mut self, offset: u64, bytes: &[u8]) {
        let at = self.open.unwrap_or_else(|| self.record(BYTES, offset));
        self.records.extend_from_slice(bytes);
        let len = (self.records.len() - at - RECORD) as u32;
        self.records[at + 1..at + 5].copy_from_slice(&len.to_le_bytes());
        self.open = Some(at);
    }

    fn resize(&mut self, offset: u64, size: Size) {
        let at = self.record(RESIZE, offset);
        self.records[at + 1..at + 5].copy_from_slice(&4_u32.to_le_bytes());
        self.records.extend_from_slice(&size_bytes(size));
        self.open = None;
    }

    fn record(&mut self, kind: u8, offset: u64) -> usize {
        let at = self.records.len();
        self.records.push(kind);
        self.records.extend_from_slice(&0_u32.to_le_bytes());
        self.records.extend_from_slice(&offset.to_le_bytes());
        at
    }

    fn restart(&mut self, start: u64, size: Size) {
        self.records.clear();
        self.records.shrink_to(2 * BATCH);
        (self.open, self.start, self.size) = (None, start, size);
    }
}

/// The frames of a history from an offset on, oldest first; ends at the first place that is not written yet, or torn.
pub struct Reader {
    sources: VecDeque<Source>,
    current: Option<Box<dyn Read + Send>>,
    /// The first frame, and what is left of the record that the start cuts.
    ready: Option<Frame>,
    cut: Option<Frame>,
    /// Where the next record should begin, and the size in force there.
    at: u64,
    size: Size,
}

enum Source {
    File(u64, PathBuf),
    Memory(u64, Vec<u8>),
}

impl Reader {
    /// Reads the history in `dir` from `from` on; where that is gone, from the oldest that is left; a missing folder is
    /// an empty history. The first frame tells the size in force.
    pub fn open(dir: &Path, from: u64) -> Self {
        let names = fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path());
        let mut starts: Vec<(u64, PathBuf)> = names.filter_map(|path| Some((segment_start(&path)?, path))).collect();
        starts.sort_unstable();
        let sources = starts.into_iter().map(|(start, path)| Source::File(start, path)).collect();
        let mut reader = Self { sources, current: None, ready: None, cut: None, at: 0, size: Size::default() };
        reader.skip_to(from);
        reader
    }

    /// The offset of the first frame, if there is one.
    pub fn start(&self) -> Option<u64> {
        self.ready.as_ref().map(Frame::offset)
    }

    /// The size in force where reading begins, if there is anything to read.
    pub fn first_size(&self) -> Option<Size> {
        self.ready.is_some().then_some(self.size)
    }

    /// Leaves out the first frame, for a reader that has a screen of that size already.
    #[must_use]
    pub fn without_size(mut self) -> Self {
        self.ready = None;
        self
    }

    /// Drops the sources before `from`, then makes the first frame ready: the size there.
    fn skip_to(&mut self, from: u64) {
        if self.start().is_some_and(|start| start >= from) {
            return;
        }
        let later = self.sources.iter().rposition(|source| source.start() <= from).unwrap_or(0);
        self.sources.drain(..later);
        self.ready = None;
        self.current = None;
        if !self.next_source() {
            return;
        }
        let mut cut = None;
        while self.at < from {
            let Some(frame) = self.next_record() else { break };
            if let Frame::Bytes { offset, bytes } = frame {
                let skipped = from.saturating_sub(offset) as usize;
                if let Some(rest) = bytes.get(skipped..).filter(|rest| !rest.is_empty()) {
                    cut = Some(Frame::Bytes { offset: offset.max(from), bytes: rest.to_vec() });
                }
            }
        }
        let offset = cut.as_ref().map_or(self.at, Frame::offset);
        self.ready = Some(Frame::Resize { offset, size: self.size });
        self.cut = cut;
    }

    /// Opens the next source that has a whole header, and takes over its offset and size.
    fn next_source(&mut self) -> bool {
        while let Some(source) = self.sources.pop_front() {
            let mut stream: Box<dyn Read + Send> = match source {
                Source::File(_, path) => match File::open(path) {
                    Ok(file) => Box::new(BufReader::with_capacity(BATCH, file)),
                    Err(_) => continue,
                },
                Source::Memory(_, bytes) => Box::new(Cursor::new(bytes)),
            };
            let mut head = [0; HEADER];
            if stream.read_exact(&mut head).is_ok() && head[..7] == *MAGIC && head[7] == VERSION {
                self.current = Some(stream);
                (self.at, self.size) = (self.at.max(u64_of(&head[8..16])), size_of(&head[16..20]));
                return true;
            }
        }
        false
    }

    /// The next record of any source that goes beyond what was read; a torn one ends its source.
    fn next_record(&mut self) -> Option<Frame> {
        loop {
            let Some(frame) = self.current.as_mut().and_then(|stream| record(stream.as_mut())) else {
                let size = self.size;
                if !self.next_source() {
                    return None;
                }
                if size != self.size {
                    return Some(Frame::Resize { offset: self.at, size: self.size });
                }
                continue;
            };
            // A write that failed half-way is done again in the next segment.
            if frame.offset() < self.at {
                continue;
            }
            self.at = match &frame {
                Frame::Bytes { offset, bytes } => offset + bytes.len() as u64,
                Frame::Resize { offset, size } => {
                    self.size = *size;
                    offset + 1
                }
            };
            return Some(frame);
        }
    }
}

impl Iterator for Reader {
    type Item = Frame;

    fn next(&mut self) -> Option<Frame> {
        self.ready.take().or_else(|| self.cut.take()).or_else(|| self.next_record())
    }
}

impl Source {
    const fn start(&self) -> u64 {
        match self {
            Self::File(start, _) | Self::Memory(start, _) => *start,
        }
    }
}

fn record(stream: &mut dyn Read) -> Option<Frame> {
    let mut head = [0; RECORD];
    stream.read_exact(&mut head).ok()?;
    let (kind, offset) = (head[0], u64_of(&head[5..13]));
    let len = u32::from_le_bytes(head[1..5].try_into().expect("invariant: four bytes")) as usize;
    if len > RECORD_MAX || (kind == RESIZE && len != 4) {
        return None;
    }
    let mut payload = vec![0; len];
    stream.read_exact(&mut payload).ok()?;
    match kind {
        BYTES => Some(Frame::Bytes { offset, bytes: payload }),
        RESIZE => Some(Frame::Resize { offset, size: size_of(&payload) }),
        _ => None,
    }
}

fn header(start: u64, size: Size) -> Vec<u8> {
    let mut head = Vec::with_capacity(HEADER);
    head.extend_from_slice(MAGIC);
    head.push(VERSION);
    head.extend_from_slice(&start.to_le_bytes());
    head.extend_from_slice(&size_bytes(size));
    head
}

fn size_bytes(size: Size) -> [u8; 4] {
    let ([a, b], [c, d]) = (size.rows.to_le_bytes(), size.cols.to_le_bytes());
    [a, b, c, d]
}

fn size_of(bytes: &[u8]) -> Size {
    Size::new(u16::from_le_bytes([bytes[0], bytes[1]]), u16::from_le_bytes([bytes[2], bytes[3]]))
}

fn u64_of(bytes: &[u8]) -> u64 {
    u64::from_le_bytes(bytes.try_into().expect("invariant: eight bytes"))
}

fn segment_path(dir: &Path, start: u64) -> PathBuf {
    dir.join(format!("{start:020}.seg"))
}

fn segment_start(path: &Path) -> Option<u64> {
    path.file_name()?.to_str()?.strip_suffix(".seg")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SMALL: Size = Size::new(24, 80);

    fn writer(cap: u64) -> (tempfile::TempDir, Writer) {
        let home = tempfile::tempdir().unwrap();
        let writer = Writer::create(home.path().join("history"), SMALL, cap).unwrap();
        (home, writer)
    }

    /// All bytes and sizes of a reading, with the check that no offset jumps.
    fn gather(reader: Reader) -> (Vec<u8>, Vec<(u64, Size)>) {
        let (mut all, mut sizes, mut at) = (Vec::new(), Vec::new(), None);
        for (index, frame) in reader.enumerate() {
            assert_eq!(*at.get_or_insert(frame.offset()), frame.offset(), "a jump");
            match frame {
                Frame::Bytes { offset, bytes } => {
                    at = Some(offset + bytes.len() as u64);
                    all.extend(bytes);
                }
                Frame::Resize { offset, size } => {
                    at = Some(offset + u64::from(index > 0));
                    sizes.push((offset, size));
                }
            }
        }
        (all, sizes)
    }

    #[test]
    fn what_was_appended_is_read_from_any_offset() {
        let (home, mut writer) = writer(64 << 20);
        writer.append(b"hello ");
        writer.flush().unwrap();
        writer.resize(Size::new(10, 20));
        writer.append(b"world");
        assert_eq!(gather(writer.replay(0)), (b"hello world".to_vec(), vec![(0, SMALL), (6, Size::new(10, 20))]));
        assert_eq!(gather(writer.replay(9)), (b"rld".to_vec(), vec![(9, Size::new(10, 20))]));
        assert_eq!(gather(writer.replay(3)).0, b"lo world");
        assert_eq!(gather(Reader::open(&home.path().join("history"), 0)).0, b"hello ", "not yet flushed");
        writer.flush().unwrap();
        assert_eq!(gather(Reader::open(&home.path().join("history"), 6)).0, b"world");
        assert_eq!(writer.replay(12).start(), Some(12));
    }

    #[test]
    fn fault_f14_the_oldest_segments_go_beyond_the_cap() {
        let (home, mut writer) = writer(12 << 20);
        let line = vec![b'x'; 64 << 10];
        for _ in 0..(40 << 4) {
            writer.append(&line);
        }
        writer.flush().unwrap();
        let on_disk: u64 = fs::read_dir(home.path().join("history"))
            .unwrap()
            .map(|entry| entry.unwrap().metadata().unwrap().len())
            .sum();
        assert!(on_disk <= 13 << 20, "{on_disk}");
        let reader = writer.replay(0);
        let start = reader.start().unwrap();
        assert!(start > 0);
        assert_eq!(gather(reader).0.len() as u64, writer.end() - start);
        let late = writer.late_start();
        assert!((1 << 20..6 << 20).contains(&(writer.end() - late)), "{late}");
    }

    #[test]
    fn fault_f1_a_full_disk_is_a_gap_at_most() {
        let (home, mut writer) = writer(64 << 20);
        writer.append(b"before");
        writer.flush().unwrap();
        // The folder is gone, so the next segment can't be made; the same way out as a full disk.
        writer.file = None;
        fs::rename(home.path().join("history"), home.path().join("away")).unwrap();
        for _ in 0..40 {
            writer.append(&vec![b'y'; 64 << 10]);
        }
        assert!(writer.batch.records.len() <= RECORD_MAX);
        fs::rename(home.path().join("away"), home.path().join("history")).unwrap();
        writer.flush().unwrap();
        writer.append(b"after");
        let frames: Vec<Frame> = writer.replay(0).collect();
        assert_eq!(frames[1], Frame::Bytes { offset: 0, bytes: b"before".to_vec() });
        let last = frames.last().unwrap();
        assert!(matches!(last, Frame::Bytes { bytes, .. } if bytes.ends_with(b"after")));
        assert!(frames[2].offset() > 6, "the gap shows");
    }

    proptest! {
        #[test]
        fn fault_f4_a_history_torn_anywhere_yields_a_prefix(
            chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..200), 1..20),
            cut in 0.0..1.0_f64,
        ) {
            let (home, mut writer) = writer(64 << 20);
            for chunk in &chunks {
                writer.append(chunk);
                writer.resize(SMALL);
                writer.flush().unwrap();
            }
            let path = segment_path(&home.path().join("history"), 0);
            let whole = fs::read(&path).unwrap();
            let kept = (whole.len() as f64 * cut) as usize;
            fs::write(&path, &whole[..kept]).unwrap();
            let (got, _) = gather(Reader::open(&home.path().join("history"), 0));
            prop_assert!(chunks.concat().starts_with(&got));
            let overhead = HEADER + chunks.len() * (2 * RECORD + 4);
            prop_assert!(got.len() + 200 + overhead >= kept);
        }

        #[test]
        fn any_start_yields_the_rest(
            pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..50), 1..20),
            at in 0.0..1.0_f64,
        ) {
            let (_home, mut writer) = writer(64 << 20);
            let mut stream = Vec::new();
            for (index, piece) in pieces.iter().enumerate() {
                if piece.is_empty() {
                    writer.resize(Size::new(index as u16 + 2, 7));
                    stream.push(None);
                }
                writer.append(piece);
                stream.extend(piece.iter().map(|&byte| Some(byte)));
                if index % 3 == 0 {
                    writer.flush().unwrap();
                }
            }
            let from = (stream.len() as f64 * at) as usize;
            let reader = writer.replay(from as u64);
            prop_assert_eq!(reader.start(), Some(from as u64));
            let expected: Vec<u8> = stream[from..].iter().copied().flatten().collect();
            prop_assert_eq!(gather(reader).0, expected);
        }
    }
}
