//! The engine inside a web page: questions as JSON in, answers as JSON out, arrays of numbers beside them.
//!
//! A page has two workers, each with a [`Session`] of its own: one moves clouds, the other measures them. The exports below are all that they call;
//! a question is written into the memory that [`room`] names, and its answer is read from where [`answer_at`] says.

mod carry;
mod measures;
mod question;
mod session;
mod written;

use std::cell::RefCell;

pub use session::Session;

/// What the page and the session hand to each other.
#[derive(Default)]
struct Desk {
    session: Session,
    question: Vec<u8>,
    answer: Vec<u8>,
}

thread_local! {
    static DESK: RefCell<Desk> = RefCell::default();
}

/// Makes room for a question of `length` bytes, and says where.
#[expect(unsafe_code, reason = "the page calls it by its name")]
#[unsafe(no_mangle)]
pub extern "C" fn room(length: usize) -> *mut u8 {
    DESK.with_borrow_mut(|desk| {
        desk.question.clear();
        desk.question.resize(length, 0);
        desk.question.as_mut_ptr()
    })
}

/// Answers the question that stands in the [`room`], and says how long the answer is. The first `json` bytes are the question, the others numbers of 64 bits
/// that belong to it.
#[expect(unsafe_code, reason = "the page calls it by its name")]
#[unsafe(no_mangle)]
pub extern "C" fn ask(json: usize) -> usize {
    DESK.with_borrow_mut(|desk| {
        let (question, numbers) = desk.question.split_at(json.min(desk.question.len()));
        desk.answer = desk.session.answer(question, numbers).into_bytes();
        desk.answer.len()
    })
}

/// Where the last answer begins.
#[expect(unsafe_code, reason = "the page calls it by its name")]
#[unsafe(no_mangle)]
pub extern "C" fn answer_at() -> *const u8 {
    DESK.with_borrow(|desk| desk.answer.as_ptr())
}
