//! Processors and memory, in and out of use.

use std::time::Duration;

use qga_proto::commands::{GuestGetMemoryBlocks, GuestGetVcpus};
use qga_proto::view::{
    GuestLogicalProcessor, GuestMemoryBlock, GuestMemoryBlockResponse, GuestMemoryBlockResponseType,
};

use crate::agent::Agent;
use crate::runtime::{Error, Runtime};

cases! {
    many_processors_are_set_whatever_fits_into_one_command(large);
    the_reason_is_told_of_the_processor_that_stays(large);
    nothing_to_do_asks_nobody(nobody);
    what_came_of_each_block_of_memory_is_told(large);
    an_agent_that_does_not_do_it_refuses(real);
}

const TIMEOUT: Duration = Duration::from_secs(20);

async fn many_processors_are_set_whatever_fits_into_one_command<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    let deadline = session.deadline(TIMEOUT);
    let wanted: Vec<_> = (1..150).map(|id| GuestLogicalProcessor::new(id, false)).collect();
    session.set_vcpus(&wanted, deadline).await.expect("these can be set");
    let there = session.call(&GuestGetVcpus::new()).await.expect("the processors");
    let is_offline = |id: i64| (1..150).contains(&id);
    assert_eq!(there.len(), 200);
    assert!(there.iter().all(|one| one.online != is_offline(one.logical_id)));
}

async fn the_reason_is_told_of_the_processor_that_stays<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    let deadline = session.deadline(TIMEOUT);
    let wanted: Vec<_> = (140..160).map(|id| GuestLogicalProcessor::new(id, false)).collect();
    let not_all = session.set_vcpus(&wanted, deadline).await.expect_err("number 150 stays");
    assert_eq!(not_all.done, 10);
    let Error::Refused(refusal) = not_all.error else { panic!("{not_all:?}") };
    assert!(refusal.desc.as_str().contains("150"), "{refusal:?}");
    let there = session.call(&GuestGetVcpus::new()).await.expect("the processors");
    let offline: Vec<_> = there.iter().filter(|one| !one.online).map(|one| one.logical_id).collect();
    assert_eq!(offline, (140..150).collect::<Vec<_>>());
}

async fn nothing_to_do_asks_nobody<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    let deadline = session.deadline(TIMEOUT);
    session.set_vcpus(&[], deadline).await.expect("there is nothing to do");
    assert_eq!(session.set_memory_blocks(&[], untold, deadline).await.expect("there is nothing to do"), 0);
}

async fn what_came_of_each_block_of_memory_is_told<R: Runtime>(agent: &Agent) {
    use GuestMemoryBlockResponseType::{NotFound, OperationFailed, Success};

    let mut session = R::connect_lazy(&agent.address());
    let deadline = session.deadline(TIMEOUT);
    let wanted: Vec<_> = (4..204).map(|index| GuestMemoryBlock::new(index, false)).collect();
    let (mut failed, mut missing, mut told) = (Vec::new(), Vec::new(), 0);
    let tell = |response: GuestMemoryBlockResponse<'_>| {
        told += 1;
        match response.response {
            Success => {}
            OperationFailed => failed.push((response.phys_index, response.error_code)),
            NotFound => missing.push(response.phys_index),
            other => panic!("{other:?}"),
        }
    };
    let good = session.set_memory_blocks(&wanted, tell, deadline).await.expect("each is told of");
    const EBUSY: i64 = 16;
    assert_eq!((good, told), (192, 200));
    assert_eq!(failed, (4..8).map(|index| (index, Some(EBUSY))).collect::<Vec<_>>());
    assert_eq!(missing, [200, 201, 202, 203]);
    let there = session.call(&GuestGetMemoryBlocks::new()).await.expect("the blocks");
    assert!(there.iter().all(|block| block.online == (block.phys_index < 8)));
}

/// The real one runs on this machine, and is started so that it cannot.
async fn an_agent_that_does_not_do_it_refuses<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    let deadline = session.deadline(TIMEOUT);
    let not_all =
        session.set_vcpus(&[GuestLogicalProcessor::new(0, true)], deadline).await.expect_err("blocked");
    assert!(matches!((not_all.done, not_all.error), (0, Error::Refused(_))));
    let not_all = session
        .set_memory_blocks(&[GuestMemoryBlock::new(0, true)], untold, deadline)
        .await
        .expect_err("blocked");
    assert!(matches!((not_all.done, not_all.error), (0, Error::Refused(_))));
}

fn untold(response: GuestMemoryBlockResponse<'_>) {
    panic!("there is nothing to tell: {response:?}");
}
