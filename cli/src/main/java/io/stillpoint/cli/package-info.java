/// The `stillpoint` command: arguments in, a job or a vault call, text or JSON out. Starts fast: no framework. The central
/// type is [Stillpoint][io.stillpoint.cli.Stillpoint]; exit codes are [ExitCode][io.stillpoint.cli.ExitCode]'s. The forms of the
/// commands and the fields of `--json` are a contract.
@NullMarked
package io.stillpoint.cli;

import org.jspecify.annotations.NullMarked;
