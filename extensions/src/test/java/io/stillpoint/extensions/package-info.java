/// Tests of VMSnapshotLinux on this machine, without a guest: all that needs no freezing. The program itself runs, below a
/// folder that stands for the root of a guest; what it does to file systems is tested with real guests in `integration`.
@NullMarked
package io.stillpoint.extensions;

import org.jspecify.annotations.NullMarked;
