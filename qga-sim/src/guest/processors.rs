//! Processors, and taking them out of use.

use qga_proto::owned::{GuestCpuStats, GuestLinuxCpuStats, GuestLogicalProcessor};

use crate::error::Errno;
use crate::guest::Guest;

/// Why a processor stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProcessorError {
    /// There is none of this number.
    Unknown,
    /// Linux has no switch for it, as for the first one of most machines.
    NoSwitch,
    /// Linux has one, and refuses.
    Refused(Errno),
}

impl Guest {
    /// Sets the processors that it has. Where it is not said whether one can be taken out of use, it can.
    #[must_use]
    pub fn processors(mut self, mut processors: Vec<GuestLogicalProcessor>) -> Self {
        for processor in &mut processors {
            // The real agent always says.
            processor.can_offline.get_or_insert(true);
        }
        self.processors = processors;
        self
    }

    /// Takes a processor into use, or out of it.
    pub(crate) fn set_processor(&mut self, id: i64, online: bool) -> Result<(), ProcessorError> {
        let in_use = self.processors.iter().filter(|processor| processor.online).count();
        let processor = self.processors.iter_mut().find(|processor| processor.logical_id == id);
        let processor = processor.ok_or(ProcessorError::Unknown)?;
        if processor.can_offline == Some(false) {
            // One that is always in use is put into use without a word.
            return if online { Ok(()) } else { Err(ProcessorError::NoSwitch) };
        }
        if processor.online && !online && in_use == 1 {
            return Err(ProcessorError::Refused(Errno::Busy));
        }
        processor.online = online;
        Ok(())
    }

    /// What the processors have done. Linux tells of those in use only.
    pub(crate) fn processor_stats(&self) -> Vec<GuestCpuStats> {
        self.processors.iter().filter(|processor| processor.online).map(stats).collect()
    }
}

/// Numbers that differ from one processor to the next.
fn stats(processor: &GuestLogicalProcessor) -> GuestCpuStats {
    let id = processor.logical_id;
    let more = id.unsigned_abs() % 64;
    let stats = GuestLinuxCpuStats::new(id, 18_230 - 90 * more, 0, 7_410 - 30 * more, 903_110 + 120 * more);
    GuestCpuStats::Linux(stats.iowait(640).irq(0).softirq(90).steal(0).guest(0).guestnice(0))
}
