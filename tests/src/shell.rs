//! As much of a shell, in a simulated guest, as running programs needs.

use qga_sim::{Guest, Invocation, Program, Run};

/// Gives a guest the shell. It knows the scripts of the flow by their beginnings.
#[must_use]
pub fn with_shell(guest: Guest) -> Guest {
    guest.program("/bin/sh", Program::new(shell))
}

fn shell(call: &mut Invocation<'_>) -> Run {
    let failed = || Run::new().exit_code(2);
    let [_, script, file, rest @ ..] = call.arguments() else { return failed() };
    match script.split([' ', '\n']).next() {
        // Makes a file for the input; there is a program of that name.
        Some("command") => {
            let is_made = call.write_file(file, b"").is_ok() && call.set_mode(file, 0o600).is_ok();
            if is_made { Run::new() } else { failed() }
        }
        // Runs a program, whose input the file holds.
        Some("exec") => {
            let Some(input) = call.file(file).map(<[u8]>::to_vec) else { return failed() };
            let [program, arguments @ ..] = rest else { return failed() };
            if call.remove_file(file).is_err() {
                return failed();
            }
            let path = if program.contains('/') { program.clone() } else { format!("/bin/{program}") };
            call.run(&path, arguments, &input).unwrap_or_else(|_| Run::new().exit_code(127))
        }
        // Kills a program with all that it has started.
        Some("PATH=${PATH:+$PATH:}/usr/bin:/bin:/usr/sbin:/sbin") => {
            let pid = rest.first().and_then(|pid| pid.parse().ok()).unwrap_or_default();
            if call.kill(pid, 15).is_ok() { Run::new() } else { Run::new().exit_code(4) }
        }
        // Removes a file, which need not be there.
        _ => {
            let _ = call.remove_file(file);
            Run::new()
        }
    }
}
