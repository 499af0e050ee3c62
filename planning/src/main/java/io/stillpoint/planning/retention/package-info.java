/// Which recovery points of a VM are kept, until when, and why:
/// [judge][io.stillpoint.planning.retention.Retention#judge] says it for rules as they are, and the
/// [preview][io.stillpoint.planning.retention.RetentionPreview] for rules that are about to change. `docs/retention.md` has
/// the rules.
///
/// Values in, values out: nothing here has a clock or a memory, and nothing deletes. When in doubt a point is kept.
@NullMarked
package io.stillpoint.planning.retention;

import org.jspecify.annotations.NullMarked;
