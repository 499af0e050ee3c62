/// What every other module stands on: errors with a code and advice, message bundles, randomness,
/// sizes, JSON. The central type is [StillpointException]. Only this module touches native calls
/// and sources of randomness; it knows no vault, VM or guest.
@NullMarked
package io.stillpoint.platform;

import org.jspecify.annotations.NullMarked;
