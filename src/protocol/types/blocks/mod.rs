//! A list in blocks of one size.
//!
//! It grows by a block, where a vector doubles. A block that is given back fits any such list, but
//! the holes that growing vectors leave in the memory of the process fit few of the next ones.

/// Elements in one block: a power of two, because places are divided by it.
pub(in crate::protocol) const PER_BLOCK: usize = 128;

/// A list in blocks. Only the first one grows in steps, so that short lists stay small.
#[derive(Debug, Clone)]
pub(in crate::protocol) struct Blocks<T>(Vec<Vec<T>>);

impl<T> Default for Blocks<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Copy> Blocks<T> {
    #[inline]
    pub(in crate::protocol) fn len(&self) -> usize {
        self.0.last().map_or(0, |last| (self.0.len() - 1) * PER_BLOCK + last.len())
    }

    #[inline]
    pub(in crate::protocol) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    #[inline]
    pub(in crate::protocol) fn get(&self, place: usize) -> Option<&T> {
        self.0.get(place / PER_BLOCK)?.get(place % PER_BLOCK)
    }

    #[inline]
    pub(in crate::protocol) fn get_mut(&mut self, place: usize) -> Option<&mut T> {
        self.0.get_mut(place / PER_BLOCK)?.get_mut(place % PER_BLOCK)
    }

    /// The elements of the block with this number.
    pub(in crate::protocol) fn block(&self, number: usize) -> &[T] {
        self.0.get(number).map_or(&[], Vec::as_slice)
    }

    pub(in crate::protocol) fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.0.iter().flatten()
    }

    pub(in crate::protocol) fn iter_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut T> {
        self.0.iter_mut().flatten()
    }

    pub(in crate::protocol) fn push(&mut self, element: T) {
        match self.0.last_mut().filter(|last| last.len() < PER_BLOCK) {
            Some(last) => last.push(element),
            None => {
                let room = if self.0.is_empty() { 1 } else { PER_BLOCK };
                let mut block = Vec::with_capacity(room);
                block.push(element);
                self.0.push(block);
            }
        }
    }

    /// Removes and returns the last element.
    pub(in crate::protocol) fn pop(&mut self) -> Option<T> {
        let last = self.0.last_mut()?;
        let element = last.pop();
        if last.is_empty() {
            self.0.pop();
        }
        element
    }

    /// Keeps the elements for which this is true, in their order.
    pub(in crate::protocol) fn retain(&mut self, mut is_kept: impl FnMut(&mut T) -> bool) {
        let mut kept = 0;
        for place in 0..self.len() {
            let Some(element) = self.get_mut(place) else { break };
            if is_kept(element) {
                let element = *element;
                self.get_mut(kept).into_iter().for_each(|held| *held = element);
                kept += 1;
            }
        }
        self.truncate(kept);
    }

    fn truncate(&mut self, length: usize) {
        self.0.truncate(length.div_ceil(PER_BLOCK));
        if let Some(last) = self.0.last_mut() {
            last.truncate(length - (length - 1) / PER_BLOCK * PER_BLOCK);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_list() {
        let mut blocks = Blocks::default();
        for number in 0..300 {
            assert_eq!(blocks.len(), number);
            blocks.push(number);
        }
        assert!(blocks.iter().copied().eq(0..300) && blocks.iter().rev().copied().eq((0..300).rev()));
        assert_eq!(
            [127, 128, 299, 300].map(|place| blocks.get(place).copied()),
            [Some(127), Some(128), Some(299), None]
        );
        blocks.iter_mut().for_each(|number| *number += 1);
        assert_eq!(blocks.get_mut(128), Some(&mut 129));
        blocks.retain(|number| *number % 2 == 0);
        assert!(blocks.iter().copied().eq((2..=300).step_by(2)));
        assert_eq!(blocks.0.len(), 2);
        blocks.retain(|number| *number <= 256);
        assert_eq!((blocks.len(), blocks.0.len()), (128, 1));
        blocks.push(7);
        assert_eq!((blocks.block(1), blocks.block(2)), (&[7][..], &[][..]));
        assert_eq!((blocks.pop(), blocks.0.len()), (Some(7), 1));
        blocks.retain(|_| false);
        assert_eq!((blocks.len(), blocks.is_empty(), blocks.pop()), (0, true, None));
    }
}
