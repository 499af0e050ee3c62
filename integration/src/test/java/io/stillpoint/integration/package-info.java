/// Tests of the whole: real VMs backed up and restored, the command line as a process, crashes at the worst moment, and the rules that
/// hold the modules in their places.
@NullMarked
package io.stillpoint.integration;

import org.jspecify.annotations.NullMarked;
