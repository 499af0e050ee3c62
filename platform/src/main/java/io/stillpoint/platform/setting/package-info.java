/// What people write down for Stillpoint to read: configuration files and policies, as trees of names and values. Every
/// mistake is told with its path, and all of them at once.
@NullMarked
package io.stillpoint.platform.setting;

import org.jspecify.annotations.NullMarked;
