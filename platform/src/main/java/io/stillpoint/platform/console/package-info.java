/// What people see while something runs: [Console] prints lines and the log of a process's steps, [ProgressBar] how far
/// a step is. On a terminal the bar redraws itself; into a file or pipe go whole lines, few of them.
///
/// Results for programs (`--json`) are not printed here.
@NullMarked
package io.stillpoint.platform.console;

import org.jspecify.annotations.NullMarked;
