//! Gzip files with any number of members and padding of zero bytes, as accepted by gzip and Python.

use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;

/// A reader of the content of all members. Zero bytes after a member are skipped. Any other byte must start another member.
pub(super) struct Members<R> {
    /// The current member, or `None` after the last member.
    member: Option<GzDecoder<R>>,
}

impl<R: BufRead> Members<R> {
    pub fn new(bytes: R) -> Self {
        Self { member: Some(GzDecoder::new(bytes)) }
    }
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.member {
            let n = member.read(buffer)?;
            if n > 0 || buffer.is_empty() {
                return Ok(n);
            }
            let goes_on = skip_zeros(member.get_mut())?;
            let rest = self.member.take().map(GzDecoder::into_inner);
            self.member = rest.filter(|_| goes_on).map(GzDecoder::new);
        }
        Ok(0)
    }
}

/// Skips zero bytes, and returns whether another byte follows.
fn skip_zeros(bytes: &mut impl BufRead) -> io::Result<bool> {
    loop {
        let next = bytes.fill_buf()?;
        let (zeros, length) = (next.iter().take_while(|&&byte| byte == 0).count(), next.len());
        bytes.consume(zeros);
        if zeros < length || length == 0 {
            return Ok(length > 0);
        }
    }
}
