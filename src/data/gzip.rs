//! Gzip files: members one behind another, with zeros as padding, as gzip itself and Python read them.

use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;

/// The content of all members. Zeros behind a member are passed over; anything else there must be a member.
pub(super) struct Members<R> {
    /// The member that is read now; there is none once all have been read.
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

/// Passes zeros over, and returns whether something follows.
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
