/// Words for people: a [Text][io.stillpoint.platform.text.Text] is what is told, before it is in any language;
/// [Messages][io.stillpoint.platform.text.Messages] render it in a reader's. What comes from outside is made
/// [Printable][io.stillpoint.platform.text.Printable] where it is shown, and [times][io.stillpoint.platform.text.Moment]
/// look the same everywhere.
@NullMarked
package io.stillpoint.platform.text;

import org.jspecify.annotations.NullMarked;
