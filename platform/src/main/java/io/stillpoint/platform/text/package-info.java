/// Words for people, made from what comes from outside: [Printable][io.stillpoint.platform.text.Printable] texts and
/// [times][io.stillpoint.platform.text.Moment] as they are shown everywhere.
@NullMarked
package io.stillpoint.platform.text;

import org.jspecify.annotations.NullMarked;
