use crate::cut::Cut;

/// Most edits of one input.
pub const MOST: usize = 8;

/// One change to bytes, which may leave them as they are.
pub fn edit(bytes: &mut Vec<u8>, cut: &mut Cut<'_>) {
    let (kind, at, len) = (cut.byte(), cut.short() % (bytes.len() + 1), usize::from(cut.byte()));
    let end = (at + len).min(bytes.len());
    match kind % 6 {
        0 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << (len % 8);
            }
        }
        1 => bytes.truncate(at),
        2 => drop(bytes.splice(at..at, cut.bytes(len).iter().copied())),
        3 => drop(bytes.drain(at..end)),
        4 => {
            let copied = bytes[at..end].to_vec();
            drop(bytes.splice(at..at, copied));
        }
        _ => {
            let with = cut.bytes(len);
            let end = (at + with.len()).min(bytes.len());
            drop(bytes.splice(at..end, with.iter().copied()));
        }
    }
}

/// As many edits as the bytes have, at most [`MOST`].
pub fn edits(bytes: &mut Vec<u8>, cut: &mut Cut<'_>) {
    for _ in 0..MOST {
        if cut.is_empty() {
            break;
        }
        edit(bytes, cut);
    }
}
