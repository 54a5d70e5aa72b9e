//! The long texts of the help.

/// What stands below the list of commands.
pub(super) const ALL: &str = "\
What is wanted most (each with -c ADDRESS, or with QGA_CONNECT set to it):
  qga info                         what the guest is
  qga -t 300 wait                  until it has booted and its agent answers
  qga exec -- ls -l /              a program there; its exit code is passed on
  qga exec --shell 'df -h | sort'  a command line for the guest's shell
  qga cp notes.txt :/tmp/          a file to the guest; cp :/PATH . from it
  qga cp --resume disk.img :/srv/  a large one: goes on where it broke off
  qga ls :/var/log                 what is in a directory; cat :/etc/hosts
  qga freeze -- lvcreate -s ...    a command here while the guest is frozen
  qga net                          its addresses, and the one to reach it by
  qga --all /run/vms top           load, CPU, disks and network of many

Addresses:
  unix:PATH        a Unix socket, the usual host's side of a channel
  tcp:HOST:PORT    a TCP socket
  vsock:CID:PORT   a virtual machine's socket (qemu-ga -m vsock-listen)
  serial:PATH      a serial device or pseudo terminal
  sim:             a simulated guest inside this program, to try things out;
                   a fresh one each time (to keep one: qga sim --listen);
                   sim:NAME has another agent (see qga sim --help)

Many guests:
  info, ping, wait, status, call, net, fs, disks, cpu, mem, users and time ask
  all that several -c and --all name, --jobs of them at a time, under one
  deadline. Each has a row; with --json all are one array, whose members have a
  \"result\" or an \"error\". top shows them all.

Exit codes:
  0  done
  1  the agent refused; conform: a check failed
  2  wrong usage; nothing was sent
  3  cannot connect, or the connection was lost
  4  the deadline passed
  5  the agent broke the protocol, or replied more than the limit
  6  the output could not be written
  7  of many guests some failed, and not all of these in the same way;
     otherwise it is the code of all that failed
  8  the guest may be frozen, and could not be thawed: run qga thaw
  exec has its own: that of the guest's program, 128 + N where signal N killed
     it, 124 where the deadline passed, 2 for wrong usage, 125 for all else that
     is not the program's
  128 + N  ended by signal N (130 for Ctrl-C); but qga sim, which is ended so: 0

More examples:
  qga -c unix:/run/vm/qga.sock call guest-file-open path=/etc/hosts mode=r
  qga -c sim: call guest-get-osinfo
  qga commands guest-fsfreeze-freeze
  qga -c unix:/run/vm/qga.sock conform
";

/// What exit codes of `qga wait` mean.
pub(super) const WAIT: &str = "\
Whatever is not there yet is waited for: the socket, who listens on it, an
answer, the end of a freeze. Exit code 3 means that in the end there was no
connection; 4 that there was one, but no answer, or not an agent's, or that the
guest is frozen; 5 that an agent answered, but broke the protocol.";

/// How `qga call` is given arguments.
pub(super) const CALL: &str = "\
How to give arguments:
  key=value    typed by the schema: integers, true or false, strings as they
               are; repeat it for an array: arg=-l arg=/tmp
  key:=JSON    any value as JSON: vcpus:='[{\"logical-id\": 1, \"online\": false}]'
  JSON         all arguments as one object: '{\"path\": \"/etc/hosts\"}'
  -            the same, read from standard input: keeps passwords off the
               command line

Arguments that are base64 in the protocol are given in base64: buf-b64=aGVsbG8=
What a command takes is told by: qga commands NAME";

/// What `qga conform` checks.
pub(super) const CONFORM: &str = "\
What is checked: how the agent reads and answers, what it says of itself, what
its commands reply that only ask, and what libvirt, Proxmox VE and KubeVirt need.
Nothing is ever sent that could harm a guest or its agent. The verdicts:
  pass           it does what is expected
  fail           it does not: exit code 1
  not supported  it does not, and need not: it is an old one, or somebody has
                 disabled something, or the guest's system cannot do it
  not run        it was not asked for, or something that it needs is missing

A signal stops the checks in order: what was begun in the guest is put back.";

/// The agents and faults of `qga sim`.
pub(super) const SIM: &str = "\
Agents (--personality, and sim:NAME for an address):
  qemu-2.12, qemu-5.2, qemu-7.2, qemu-10.0 (if not given), qemu-11.1
             QEMU's on Linux, each with its commands, words and faults
  windows    QEMU's on Windows
  apple      Apple's: needs a newline, and has few commands
  minimal    such as gokrazy's: no guest-sync, no guest-info, no id
  strings    such as GuestKit's: tells commands by name only

Faults (--fault KIND[=VALUE][@COMMAND][#N][%PERCENT], as often as you like):
  of the connection   pieces=N slow=TIME deaf close=N stale
  of requests         unheard
  of replies          delay=TIME late=TIME reordered lost doubled foreign
                      garbage ff nul unasked cut=N hang-up half restart
                      oversized[=N] deep endless bad-utf8 bad-escape wrong-type
  lost@guest-exec#1 loses the first reply to guest-exec, delay=500ms%10 delays
  one reply of ten. Syncs are spared unless they are named: lost@sync

  qga sim --listen unix:/tmp/guest.sock --fault late=2s@guest-exec-status";
