package io.stillpoint.platform;

import io.stillpoint.platform.text.Text;
import io.stillpoint.platform.text.Worded;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/// The outside failed: a disk, a peer, a guest, a vault, or what the user asked for. Each module has a
/// family of these, whose [kinds][FailureKind] say what can be done. The text says what, where, expected against found, and what
/// to do next; it comes from the module's message bundle under [#code()], and is rendered where it is shown, in the language
/// of who reads it.
public abstract class StillpointException extends RuntimeException implements Worded {
    private static final long serialVersionUID = 1L;

    /// Who has to act.
    public enum Blame {
        /// The user's input: another argument, key or file helps.
        USER,
        /// The machine, network, store or peer: repair it, then try again.
        ENVIRONMENT,
        /// The guest: its agent, scripts or file systems.
        GUEST,
        /// Stored data are not what was written.
        DAMAGE,
        /// A defect of Stillpoint.
        US
    }

    // Transient, as Java serialization is never used.
    private final transient FailureKind kind;
    private final transient Text text;

    /// @param anchor a class of the package whose bundle holds the text
    /// @param code the message's key, stable across releases, such as `vault.wrong-key`
    /// @param arguments what the text's placeholders stand for; texts and exceptions of ours among them are rendered with it,
    ///     in the same language
    protected StillpointException(
            Class<?> anchor,
            FailureKind kind,
            String code,
            @Nullable Throwable cause,
            List<?> arguments) {
        super(null, cause);
        this.kind = kind;
        this.text = Text.of(anchor, code, arguments.toArray());
    }

    /// What failed.
    public FailureKind kind() {
        return kind;
    }

    /// The stable code: part of the contract of the command line's `--json` output.
    public final String code() {
        return text.code();
    }

    /// What the text's placeholders stand for.
    public final List<Object> arguments() {
        return text.arguments();
    }

    /// What to tell people, not yet in any language.
    @Override
    public final Text text() {
        return text;
    }

    /// What to tell a reader of this language.
    public final String text(Locale reader) {
        return text.in(reader);
    }

    /// The text in the root language, made when it is asked for: for stack traces. Never part of another text.
    @Override
    public final String getMessage() {
        return text.toString();
    }

    /// Whether the same call may succeed later with nothing changed by the user.
    public final boolean retryable() {
        return kind.retryable();
    }

    /// Who has to act.
    public final Blame blame() {
        return kind.blame();
    }
}
