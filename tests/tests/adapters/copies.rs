//! Copies: the same bytes, nothing half, nothing left behind.

use std::convert::Infallible;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::time::Duration;

use qga_proto::{
    Check, Copied, CopyError, CopyFrom, CopyTo, Digest, FileError, InPlace, Instant, Placing, Progress,
    Source,
};
use qga_tests::bytes::bytes;

use crate::agent::Agent;
use crate::runtime::{Runtime, Session};

cases! {
    a_copy_to_the_guest_gets_its_name_when_it_is_whole(sim, real);
    a_copy_from_the_guest_is_the_same(sim, real);
    a_file_that_is_replaced_gives_its_mode(sim, real);
    a_part_is_private(real);
    copies_to_one_path_do_not_meet(real);
    what_is_somebody_elses_stays(real);
    a_folder_in_the_way_swallows_nothing(real);
    a_copy_that_fails_leaves_what_was_there(sim, real);
    a_copy_to_the_guest_goes_on_where_it_broke_off(sim, real);
    a_part_of_another_file_is_noticed(sim, real);
    a_copy_from_the_guest_goes_on_where_it_broke_off(sim, real);
    links_are_not_replaced(real);
    a_guest_that_runs_no_programs_has_copies_in_place(sim_without_programs);
    a_full_disk_spoils_nothing_whenever_it_shows(sim_full, sim_full_at_flush, sim_full_at_write);
    a_file_without_a_size_is_copied(real);
    a_file_without_end_is_limited(real);
}

const BUFFER: usize = 300_000;

fn soon<R: Runtime>(session: &Session<R>) -> Instant {
    session.deadline(Duration::from_secs(60))
}

/// Gives some bytes, and then fails.
struct Breaks<'a>(&'a [u8]);

#[derive(Debug, PartialEq, Eq)]
struct Broken;

impl Source for Breaks<'_> {
    type Error = Broken;

    async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Broken> {
        match self.0.read(buffer).await {
            Ok(0) => Err(Broken),
            Ok(n) => Ok(n),
        }
    }
}

type Outcome = Result<Copied, CopyError<std::io::Error, Infallible>>;

async fn copy_to<R: Runtime>(session: &mut Session<R>, what: CopyTo<'_>, bytes: &[u8]) -> Outcome {
    let soon = soon::<R>(session);
    session.copy_to(&what, &mut &bytes[..], &mut vec![0; BUFFER], |_| {}, soon).await
}

fn part(path: &str) -> String {
    format!("{path}.qga-part")
}

async fn a_copy_to_the_guest_gets_its_name_when_it_is_whole<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    let (path, soon) = (agent.guest_path("copy"), soon::<R>(&session));
    for len in [0, 1, 1_000_000] {
        let (content, mut told) = (bytes(len), Vec::new());
        let what = CopyTo::new(&path).mode(0o640).len(len as u64).verify();
        let progress = |progress: Progress| told.push(progress.done);
        let copied = session.copy_to(&what, &mut &content[..], &mut vec![0; BUFFER], progress, soon).await;
        let copied = copied.expect("room");
        assert_eq!((copied.len, copied.resumed), (len as u64, 0));
        assert_eq!(copied.check, Check::Tool("sha256sum"));
        assert_eq!(copied.placing, Placing::Renamed { replaced: len > 0 });
        assert_eq!(told.last().copied().unwrap_or(0), len as u64);
        assert!(told.is_sorted());
        assert!(agent.content(&path).is_some_and(|found| found == content));
        assert_eq!(agent.mode(&path), Some(0o640));
        assert_eq!((agent.mode(&part(&path)), agent.open_files()), (None, 0));
    }
}

async fn a_copy_from_the_guest_is_the_same<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    let (path, soon) = (agent.guest_path("file"), soon::<R>(&session));
    for len in [0, 1, 2_000_000] {
        let (content, mut copy, mut last) = (bytes(len), Vec::new(), None);
        session.write_file(&path, &content, soon).await.expect("room");
        let what = CopyFrom::new(&path).verify();
        let progress = |progress| last = Some(progress);
        let copied = session
            .copy_from(&what, &mut copy, &mut vec![0; BUFFER], progress, soon)
            .await
            .expect("it is there");
        assert!(copy == content);
        assert_eq!((copied.len, copied.check), (len as u64, Check::Tool("sha256sum")));
        let last = last.expect("it was told");
        assert_eq!((last.done, last.total.unwrap_or(0)), (len as u64, len as u64));
        assert_eq!(agent.open_files(), 0);
    }
}

async fn a_file_that_is_replaced_gives_its_mode<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    let path = agent.guest_path("copy");
    copy_to::<R>(&mut session, CopyTo::new(&path).mode(0o4751), b"old").await.expect("room");
    let copied = copy_to::<R>(&mut session, CopyTo::new(&path).mode(0o600), b"new").await.expect("room");
    assert_eq!(copied.placing, Placing::Renamed { replaced: true });
    assert_eq!(agent.mode(&path), Some(0o4751));
    assert_eq!(agent.content(&path).as_deref(), Some(&b"new"[..]));
}

/// Looks at the folder of the part, which begins with this path, while it is being written.
struct Looks<'a>(&'a [u8], String);

/// What there is beside a path for parts of it.
fn parts(path: &str) -> Vec<std::path::PathBuf> {
    let path = std::path::Path::new(path);
    let beside = std::fs::read_dir(path.parent().expect("a folder")).expect("it is there");
    let start = part(&path.file_name().expect("a name").to_string_lossy());
    let beside = beside.map(|entry| entry.expect("it is there").path());
    beside
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&start)))
        .collect()
}

impl Source for Looks<'_> {
    type Error = Infallible;

    async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Infallible> {
        let parts = parts(&self.1);
        let there = std::fs::symlink_metadata(&parts[0]).expect("it is made before");
        assert!(there.is_dir() && parts.len() == 1);
        assert_eq!(there.permissions().mode() & 0o5777, 0o700);
        self.0.read(buffer).await
    }
}

async fn a_part_is_private<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    let (folder, soon) = (agent.guest_path("folder"), soon::<R>(&session));
    let path = format!("{folder}/copy");
    std::fs::create_dir(&folder).expect("room");
    // What is made in a folder with that bit gets it, too.
    for mode in [0o755, 0o2775] {
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(mode)).expect("it is ours");
        let (content, what) = (bytes(100_000), CopyTo::new(&path));
        let mut source = Looks(&content, path.clone());
        let copied =
            session.copy_to(&what, &mut source, &mut vec![0; BUFFER], |_| {}, soon).await.expect("room");
        assert!(matches!(copied.placing, Placing::Renamed { .. }), "{copied:?}");
        assert!(parts(&path).is_empty());
    }
}

/// Lets another copy to the same path come in between.
struct Meanwhile<'a, R: Runtime>(&'a [u8], Option<(Session<R>, String)>);

impl<R: Runtime> Source for Meanwhile<'_, R> {
    type Error = Infallible;

    async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Infallible> {
        if let Some((mut other, path)) = self.1.take() {
            let copied = copy_to::<R>(&mut other, CopyTo::new(&path), b"the other").await.expect("room");
            assert_eq!(copied.placing, Placing::Renamed { replaced: false });
        }
        self.0.read(buffer).await
    }
}

async fn copies_to_one_path_do_not_meet<R: Runtime>(agent: &Agent) {
    let second = Agent::real();
    let mut session = R::connect_lazy(&agent.address());
    let (path, soon) = (agent.guest_path("copy"), soon::<R>(&session));
    let (content, what) = (bytes(100_000), CopyTo::new(&path));
    let mut source = Meanwhile::<R>(&content, Some((R::connect_lazy(&second.address()), path.clone())));
    let copied = session.copy_to(&what, &mut source, &mut vec![0; BUFFER], |_| {}, soon).await.expect("room");
    assert_eq!(copied.len, 100_000);
    assert!(agent.content(&path).is_some_and(|found| found == content));
    assert!(parts(&path).is_empty());
}

async fn what_is_somebody_elses_stays<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    let path = agent.guest_path("copy");
    let notes = format!("{}/notes", part(&path));
    std::fs::create_dir(part(&path)).expect("room");
    std::fs::write(&notes, "mine").expect("room");
    for what in [CopyTo::new(&path), CopyTo::new(&path).resume()] {
        copy_to::<R>(&mut session, what, b"new").await.expect("room");
        assert_eq!(agent.content(&path).as_deref(), Some(&b"new"[..]));
        assert_eq!(agent.content(&notes).as_deref(), Some(&b"mine"[..]));
        std::fs::remove_file(&path).expect("it is there");
    }
}

/// Makes a folder at the path, when it is too late to see it.
struct Blocks<'a>(&'a [u8], String);

impl Source for Blocks<'_> {
    type Error = Infallible;

    async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Infallible> {
        // The second time it is there already.
        let _ = std::fs::create_dir(&self.1);
        self.0.read(buffer).await
    }
}

async fn a_folder_in_the_way_swallows_nothing<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    let (path, soon) = (agent.guest_path("copy"), soon::<R>(&session));
    let mut source = Blocks(b"new", path.clone());
    let result = session.copy_to(&CopyTo::new(&path), &mut source, &mut vec![0; BUFFER], |_| {}, soon).await;
    assert!(matches!(result, Err(CopyError::Program { program: "mv", .. })), "{result:?}");
    assert!(std::fs::read_dir(&path).expect("it is there").next().is_none());
    assert!(parts(&path).is_empty());
}

async fn a_copy_that_fails_leaves_what_was_there<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    let (path, soon) = (agent.guest_path("copy"), soon::<R>(&session));
    session.write_file(&path, b"old", soon).await.expect("room");
    let content = bytes(500_000);
    let mut source = Breaks(&content);
    let result = session.copy_to(&CopyTo::new(&path), &mut source, &mut vec![0; BUFFER], |_| {}, soon).await;
    assert!(matches!(result, Err(CopyError::Host(Broken))), "{result:?}");
    assert_eq!(agent.content(&path).as_deref(), Some(&b"old"[..]));
    assert_eq!((agent.mode(&part(&path)), agent.open_files()), (None, 0));
}

/// Copies all but the end, and leaves that for later.
async fn break_off<R: Runtime>(session: &mut Session<R>, path: &str, bytes: &[u8]) {
    let soon = soon::<R>(session);
    let what = CopyTo::new(path).resume();
    let result = session.copy_to(&what, &mut Breaks(bytes), &mut vec![0; BUFFER], |_| {}, soon).await;
    assert!(matches!(result, Err(CopyError::Host(Broken))), "{result:?}");
}

async fn a_copy_to_the_guest_goes_on_where_it_broke_off<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    let (path, content) = (agent.guest_path("copy"), bytes(1_000_000));
    break_off::<R>(&mut session, &path, &content[..700_000]).await;
    assert_eq!((agent.content(&path), agent.open_files()), (None, 0));
    let copied = copy_to::<R>(&mut session, CopyTo::new(&path).resume(), &content).await.expect("room");
    assert_eq!(copied.resumed, 700_000);
    assert_eq!((copied.len, copied.check), (1_000_000, Check::Tool("sha256sum")));
    assert!(agent.content(&path).is_some_and(|found| found == content));
    assert_eq!((agent.mode(&part(&path)), agent.open_files()), (None, 0));
}

async fn a_part_of_another_file_is_noticed<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    let (path, content) = (agent.guest_path("copy"), bytes(1_000_000));
    break_off::<R>(&mut session, &path, &[7; 700_000]).await;
    let error = copy_to::<R>(&mut session, CopyTo::new(&path).resume(), &content).await.expect_err("sevens");
    assert!(matches!(error, CopyError::Differs), "{error:?}");
    assert_eq!((agent.content(&path), agent.mode(&part(&path))), (None, None));
    break_off::<R>(&mut session, &path, &content[..700_000]).await;
    let error = copy_to::<R>(&mut session, CopyTo::new(&path).resume(), b"short").await.expect_err("longer");
    assert!(matches!(error, CopyError::NotAPart { len: 700_000 }), "{error:?}");
    // The next begins anew.
    copy_to::<R>(&mut session, CopyTo::new(&path).resume(), &content).await.expect("room");
    assert!(agent.content(&path).is_some_and(|found| found == content));
    assert_eq!(agent.open_files(), 0);
}

async fn a_copy_from_the_guest_goes_on_where_it_broke_off<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    let (path, content, soon) = (agent.guest_path("file"), bytes(1_000_000), soon::<R>(&session));
    session.write_file(&path, &content, soon).await.expect("room");
    let (mut copy, mut prefix) = (content[..123_456].to_vec(), Digest::new());
    prefix.update(&copy);
    let what = CopyFrom::new(&path).resume(prefix);
    let copied =
        session.copy_from(&what, &mut copy, &mut vec![0; BUFFER], |_| {}, soon).await.expect("the rest");
    assert_eq!((copied.len, copied.resumed), (1_000_000, 123_456));
    assert!(copy == content);
    for (prefix, wanted) in [(vec![7; 1000], "Differs"), (vec![7; 1_000_001], "NotAPart")] {
        let mut digest = Digest::new();
        digest.update(&prefix);
        let (what, mut rest) = (CopyFrom::new(&path).resume(digest), Vec::new());
        let result = session.copy_from(&what, &mut rest, &mut vec![0; BUFFER], |_| {}, soon).await;
        assert!(format!("{result:?}").contains(wanted), "{result:?}");
        assert_eq!(agent.open_files(), 0);
    }
}

async fn links_are_not_replaced<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    let (target, link) = (agent.guest_path("target"), agent.guest_path("link"));
    std::fs::write(&target, "old").expect("room");
    symlink(&target, &link).expect("room");
    let copied = copy_to::<R>(&mut session, CopyTo::new(&link), b"new").await.expect("room");
    assert_eq!(copied.placing, Placing::InPlace(InPlace::NotRegular));
    assert!(std::fs::symlink_metadata(&link).expect("it is there").is_symlink());
    assert_eq!(agent.content(&target).as_deref(), Some(&b"new"[..]));
    assert_eq!(agent.mode(&part(&link)), None);
    // A folder is refused, and stays.
    let folder = agent.guest_path("folder");
    std::fs::create_dir(&folder).expect("room");
    let error = copy_to::<R>(&mut session, CopyTo::new(&folder), b"new").await.expect_err("a folder");
    assert!(error.call().is_some_and(|error| error.refusal().is_some()), "{error:?}");
    assert!(std::fs::read_dir(&folder).expect("it is there").next().is_none());
    assert_eq!(agent.open_files(), 0);
}

async fn a_guest_that_runs_no_programs_has_copies_in_place<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    let (path, content) = (agent.guest_path("copy"), bytes(400_000));
    let copied = copy_to::<R>(&mut session, CopyTo::new(&path).verify(), &content).await.expect("room");
    assert_eq!(copied.placing, Placing::InPlace(InPlace::NoPrograms));
    assert_eq!(copied.check, Check::ReadBack);
    let (mut copy, soon) = (Vec::new(), soon::<R>(&session));
    let what = CopyFrom::new(&path).verify();
    let copied =
        session.copy_from(&what, &mut copy, &mut vec![0; BUFFER], |_| {}, soon).await.expect("it is there");
    assert_eq!(copied.check, Check::ReadBack);
    assert!(copy == content);
    assert_eq!(agent.open_files(), 0);
}

async fn a_full_disk_spoils_nothing_whenever_it_shows<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    let (path, soon) = (agent.guest_path("copy"), soon::<R>(&session));
    copy_to::<R>(&mut session, CopyTo::new(&path), &[b'o'; 10_000]).await.expect("room for that");
    let error = copy_to::<R>(&mut session, CopyTo::new(&path), &[b'n'; 200_000]).await.expect_err("no room");
    assert!(error.call().is_some_and(|error| error.refusal().is_some()), "{error:?}");
    assert!(agent.content(&path).is_some_and(|found| found == [b'o'; 10_000]));
    assert_eq!((agent.mode(&part(&path)), agent.open_files()), (None, 0));
    // What is written where it is cannot be saved, but is told.
    let written = session.write_file(&path, &[b'n'; 200_000], soon).await;
    assert!(matches!(written, Err(FileError::Call(error)) if error.refusal().is_some()));
    let (what, mut buffer) = (CopyTo::new(&path), vec![0; BUFFER]);
    let poured = session.copy_over(&what, &mut &[b'n'; 200_000][..], &mut buffer, |_| {}, soon).await;
    let poured = poured.expect_err("no room");
    assert!(poured.call().is_some_and(|error| error.refusal().is_some()), "{poured:?}");
    assert_eq!(agent.open_files(), 0);
}

async fn a_file_without_a_size_is_copied<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    let (mut copy, soon) = (Vec::new(), soon::<R>(&session));
    let what = CopyFrom::new("/proc/version").verify();
    session.copy_from(&what, &mut copy, &mut vec![0; BUFFER], |_| {}, soon).await.expect("it is there");
    assert_eq!(copy, std::fs::read("/proc/version").expect("it is there"));
}

async fn a_file_without_end_is_limited<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    let (mut copy, soon) = (Vec::new(), soon::<R>(&session));
    let what = CopyFrom::new("/dev/zero").limit(2_000_000);
    let result = session.copy_from(&what, &mut copy, &mut vec![0; BUFFER], |_| {}, soon).await;
    assert!(matches!(result, Err(CopyError::TooLong { limit: 2_000_000 })), "{result:?}");
    assert!((1_000_000..=2_000_000).contains(&copy.len()), "{}", copy.len());
    assert_eq!(agent.open_files(), 0);
}
