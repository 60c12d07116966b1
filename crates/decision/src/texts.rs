//! Many short texts in one piece of memory: a pointer, a length and an allocation each would be most of what they take.

use std::mem::size_of_val;

/// Texts by their number, in the order in which they were added.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    /// One behind the other.
    all: String,
    /// Where each ends.
    ends: Vec<u32>,
}

impl Texts {
    pub(crate) fn push(&mut self, text: &str) {
        self.all.push_str(text);
        self.ends.push(u32::try_from(self.all.len()).unwrap_or(u32::MAX));
    }

    /// The text of a number; empty if there is none.
    pub(crate) fn get(&self, number: u32) -> &str {
        let Ok(at) = usize::try_from(number) else { return "" };
        let start = at.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        let end = self.ends.get(at).copied().unwrap_or(start);
        let place = |offset| usize::try_from(offset).unwrap_or(usize::MAX);
        self.all.get(place(start)..place(end)).unwrap_or("")
    }

    /// No more will be added.
    pub(crate) fn shrink(&mut self) {
        self.all.shrink_to_fit();
        self.ends.shrink_to_fit();
    }

    pub(crate) fn bytes(&self) -> usize {
        self.all.len() + size_of_val(&*self.ends)
    }
}
