//! The salted password of SCRAM, which is most of what a login costs.

use std::num::NonZeroU32;
use std::slice;

use ring::{digest, hmac};
use sha2::block_api::compress256;

/// The length of SHA-256's result, and so of every key here.
pub(super) const KEY: usize = digest::SHA256_OUTPUT_LEN;
/// The length of what SHA-256 takes at a time.
const BLOCK: usize = 64;
/// How many bits a hash of HMAC is of that takes such a result: the block of the key, and that.
const BITS: u16 = 8 * (64 + 32);

/// The salted password in the making: PBKDF2 (RFC 8018, 5.2) with HMAC-SHA-256 and one block, in as many steps as one likes,
/// because the server says how long it takes. A round is two blocks of SHA-256, and costs no more than these.
pub(super) struct Salting {
    /// The two hashes of HMAC (RFC 2104), the inner one first, each after the block that is made of the password.
    keyed: [[u32; 8]; 2],
    /// The last round's result, as the block that follows: it is filled up with a bit and with how many there are.
    last: [u8; BLOCK],
    /// What it is so far.
    pub(super) salted: [u8; KEY],
    /// How many rounds are left.
    left: u32,
}

impl Salting {
    /// Takes the first round of a `password` that is prepared.
    pub(super) fn new(password: &[u8], salt: &[u8], iterations: NonZeroU32) -> Self {
        let first =
            hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, password), &[salt, &1_u32.to_be_bytes()].concat());
        let mut salted = [0; KEY];
        salted.copy_from_slice(first.as_ref());
        let mut last = [0; BLOCK];
        last[..KEY].copy_from_slice(&salted);
        last[KEY] = 0x80;
        last[BLOCK - 2..].copy_from_slice(&BITS.to_be_bytes());
        Self { keyed: keyed(password), last, salted, left: iterations.get() - 1 }
    }

    /// How many rounds are left.
    pub(super) const fn left(&self) -> u32 {
        self.left
    }

    pub(super) const fn is_done(&self) -> bool {
        self.left == 0
    }

    /// Takes at most so many rounds more.
    pub(super) fn go_on(&mut self, rounds: u32) {
        let rounds = rounds.min(self.left);
        for _ in 0..rounds {
            for mut hash in self.keyed {
                compress256(&mut hash, slice::from_ref(&self.last));
                for (bytes, word) in self.last.chunks_exact_mut(4).zip(hash) {
                    bytes.copy_from_slice(&word.to_be_bytes());
                }
            }
            self.salted.iter_mut().zip(self.last).for_each(|(byte, new)| *byte ^= new);
        }
        self.left -= rounds;
    }
}

/// What the two hashes of HMAC are after their first block, which is made of the key.
fn keyed(key: &[u8]) -> [[u32; 8]; 2] {
    /// What SHA-256 begins with (FIPS 180-4, 5.3.3).
    const BEGINNING: [u32; 8] = [
        0x6a09_e667,
        0xbb67_ae85,
        0x3c6e_f372,
        0xa54f_f53a,
        0x510e_527f,
        0x9b05_688c,
        0x1f83_d9ab,
        0x5be0_cd19,
    ];
    let short = (key.len() > BLOCK).then(|| digest::digest(&digest::SHA256, key));
    let key = short.as_ref().map_or(key, AsRef::as_ref);
    [0x36, 0x5c].map(|pad| {
        let mut block = [pad; BLOCK];
        block.iter_mut().zip(key).for_each(|(byte, of)| *byte ^= of);
        let mut hash = BEGINNING;
        compress256(&mut hash, &[block]);
        hash
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn salted_passwords_are_those_of_another_implementation(
            password in prop::collection::vec(any::<u8>(), 0..200),
            salt in prop::collection::vec(any::<u8>(), 0..100),
            count in 1_u32..20,
            step in 1_u32..7,
        ) {
            let iterations = NonZeroU32::new(count).expect("at least one");
            let mut salting = Salting::new(&password, &salt, iterations);
            while !salting.is_done() {
                salting.go_on(step);
            }
            let mut theirs = [0; KEY];
            let algorithm = ring::pbkdf2::PBKDF2_HMAC_SHA256;
            ring::pbkdf2::derive(algorithm, iterations, &salt, &password, &mut theirs);
            prop_assert_eq!(salting.salted, theirs);
        }
    }
}
