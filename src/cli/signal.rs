//! Signals that ask this process to stop: the runs are asked to stop at their next step, and are not waited for without end.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{process, thread};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGXCPU, SIGXFSZ};
use signal_hook::iterator::Signals;

use crate::record::StopToken;

/// Signals closer together than this are one: `timeout` sends its own twice, to the process and to its group.
const TOGETHER: Duration = Duration::from_millis(100);

/// How long a run may take, from then on, to stop by itself. It looks at every step, and a step can be long.
const PATIENCE: Duration = Duration::from_millis(1300);

/// A signal that asks for an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    /// Ctrl-C.
    Interrupt,
    /// What `kill` and batch systems send.
    Terminate,
    /// The terminal is gone.
    HangUp,
    /// The time of the processor that was allowed is used up.
    OutOfTime,
}

impl Signal {
    const ALL: [Self; 4] = [
        Self::Interrupt,
        Self::Terminate,
        Self::HangUp,
        Self::OutOfTime,
    ];

    fn number(self) -> i32 {
        match self {
            Self::Interrupt => SIGINT,
            Self::Terminate => SIGTERM,
            Self::HangUp => SIGHUP,
            Self::OutOfTime => SIGXCPU,
        }
    }

    /// The signal of this name.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|signal| signal.name() == name)
    }

    /// What a process that it ends exits with: 128 and its number, such as 130 or 143.
    pub(super) fn exit_code(self) -> u8 {
        128 + self.number() as u8
    }

    /// Its name for people.
    fn name(self) -> &'static str {
        match self {
            Self::Interrupt => "Ctrl-C",
            Self::Terminate => "SIGTERM",
            Self::HangUp => "SIGHUP",
            Self::OutOfTime => "SIGXCPU",
        }
    }

    fn of(number: usize) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|signal| signal.number() as usize == number)
    }

    /// From now on a signal asks the runs that are given the token to stop instead of ending the process. A second one ends it at once, and
    /// so does the first if a run takes longer than the user's patience: then its last checkpoint is what is left, and
    /// `tell` is given a line about it. Whoever started the program so that it does not hear of Ctrl-C or a lost terminal
    /// (`nohup`, a job in the background of a script) is obeyed. SIGUSR1 asks for a checkpoint and nothing else.
    ///
    /// # Errors
    /// What the operating system says.
    pub(super) fn listen(tell: impl Fn(&str) + Clone + Send + 'static) -> io::Result<StopToken> {
        let stop = StopToken::default();
        let token = stop.clone();
        let ignored = ignored();
        let heard = Self::ALL.map(Self::number).into_iter();
        let heard = heard.filter(|number| !ignored.contains(number));
        let mut signals = Signals::new(heard.chain([SIGUSR1]))?;
        let mut first: Option<Instant> = None;
        let listener = move || {
            for number in signals.forever() {
                if number == SIGUSR1 {
                    stop.ask_for_checkpoint();
                    continue;
                }
                let Some(signal) = Self::of(number as usize) else {
                    continue;
                };
                match first {
                    None => {
                        first = Some(Instant::now());
                        stop.ask(signal.name());
                        let (tell, stop) = (tell.clone(), stop.clone());
                        // If no thread is to be had, the run is waited for without a limit.
                        let _ = named("patience", move || {
                            thread::sleep(TOGETHER + PATIENCE);
                            signal.force(&stop, true, &tell);
                        });
                    }
                    // It comes again each second, whatever is done about it.
                    Some(_) if signal == Self::OutOfTime => {}
                    Some(first) if first.elapsed() < TOGETHER => {}
                    Some(_) => signal.force(&stop, false, &tell),
                }
            }
        };
        named("signals", listener)?;
        Ok(token)
    }

    /// Ends the process: no run has stopped by itself. Its manifest is to `mark` that, unless nobody is to be waited for.
    fn force(self, stop: &StopToken, mark: bool, tell: &impl Fn(&str)) -> ! {
        let name = self.name();
        // Kept to the end, so that no run has another last word.
        let abandoned = stop.abandon(name, mark);
        if abandoned.folders.is_empty() {
            tell(&format!("ended by {name}; no run was going on"));
        }
        for folder in &abandoned.folders {
            tell(&format!(
                "ended by {name} in the middle of a step; go on from the last checkpoint with `ratioflow resume {}`",
                folder.display()
            ));
        }
        process::exit(i32::from(self.exit_code()));
    }
}

/// From now on a file that grows beyond what the system allows (`ulimit -f`) is an error of writing and not the end of the process.
///
/// # Errors
/// What the operating system says.
pub(super) fn outlive_file_limits() -> io::Result<()> {
    signal_hook::flag::register(SIGXFSZ, Arc::default()).map(drop)
}

fn named(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let thread = thread::Builder::new().name(name.to_owned());
    thread.spawn(work).map(drop)
}

/// Ctrl-C and the loss of the terminal, where whoever started this process has it ignore them. Only Linux tells.
fn ignored() -> Vec<i32> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    let is_ignored = |number: &i32| mask.unwrap_or(0) >> (number - 1) & 1 == 1;
    [SIGINT, SIGHUP].into_iter().filter(is_ignored).collect()
}
