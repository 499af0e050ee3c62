/// What is wanted of the backups of some VMs: [policies][io.stillpoint.planning.policy.Policy], and how people write them
/// (`docs/policies.md`).
@NullMarked
package io.stillpoint.planning.policy;

import org.jspecify.annotations.NullMarked;
