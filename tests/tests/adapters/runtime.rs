//! What differs from one adapter to the next, as far as a case can see.

use std::io;
use std::sync::LazyLock;

use qga_proto::{Clock, Transport};

/// An adapter, and what runs its futures.
pub(crate) trait Runtime: 'static {
    type Transport: Transport<Error = io::Error> + Send;
    type Clock: Clock + Clone + Send + Sync;

    /// Runs a future to its end. Threads may do so at the same time.
    fn run<F: Future>(future: F) -> F::Output;

    fn connect_lazy(address: &str) -> Session<Self>;

    fn share(session: Session<Self>, limit: usize) -> Shared<Self>;
}

pub(crate) type Session<R> = qga_proto::Session<<R as Runtime>::Transport, Vec<u8>>;
pub(crate) type Shared<R> = qga_proto::Shared<<R as Runtime>::Transport, <R as Runtime>::Clock>;
pub(crate) type Error = qga_proto::Error<io::Error>;

pub(crate) struct Std;

impl Runtime for Std {
    type Transport = qga_std::Connection<qga_std::AnyStream>;
    type Clock = qga_std::Clock;

    fn run<F: Future>(future: F) -> F::Output {
        qga_std::block_on(future)
    }

    fn connect_lazy(address: &str) -> Session<Self> {
        qga_std::connect_lazy(address).expect("an address").into_inner()
    }

    fn share(session: Session<Self>, limit: usize) -> Shared<Self> {
        let clock = session.transport().clock();
        qga_proto::Shared::new(session, clock, limit)
    }
}

pub(crate) struct Tokio;

impl Runtime for Tokio {
    type Transport = qga_tokio::Connection<qga_tokio::AnyStream>;
    type Clock = qga_tokio::Clock;

    fn run<F: Future>(future: F) -> F::Output {
        static RUNTIME: LazyLock<tokio::runtime::Runtime> =
            LazyLock::new(|| tokio::runtime::Runtime::new().expect("a runtime"));
        RUNTIME.block_on(future)
    }

    fn connect_lazy(address: &str) -> Session<Self> {
        qga_tokio::connect_lazy(address).expect("an address")
    }

    fn share(session: Session<Self>, limit: usize) -> Shared<Self> {
        session.share(limit)
    }
}

pub(crate) struct Smol;

impl Runtime for Smol {
    type Transport = qga_smol::Connection<qga_smol::AnyStream>;
    type Clock = qga_smol::Clock;

    fn run<F: Future>(future: F) -> F::Output {
        smol::block_on(future)
    }

    fn connect_lazy(address: &str) -> Session<Self> {
        qga_smol::connect_lazy(address).expect("an address")
    }

    fn share(session: Session<Self>, limit: usize) -> Shared<Self> {
        session.share(limit)
    }
}

/// Makes a test of each case, for each adapter and each of the named agents.
macro_rules! cases {
    ($($case:ident($($agent:ident),+);)+) => {$(
        mod $case {
            $(mod $agent {
                use crate::agent::Agent;
                use crate::runtime::{Runtime, Smol, Std, Tokio};

                #[test]
                fn std() {
                    Agent::$agent().is_left_tidy(|agent| Std::run(super::super::$case::<Std>(agent)));
                }

                #[test]
                fn tokio() {
                    Agent::$agent().is_left_tidy(|agent| Tokio::run(super::super::$case::<Tokio>(agent)));
                }

                #[test]
                fn smol() {
                    Agent::$agent().is_left_tidy(|agent| Smol::run(super::super::$case::<Smol>(agent)));
                }
            })+
        }
    )+};
}
