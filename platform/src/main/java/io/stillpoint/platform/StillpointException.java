package io.stillpoint.platform;

import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// The outside failed: a disk, a peer, a guest, a vault, or what the user asked for. Each module has a
/// sealed family of these. The text says what, where, expected against found, and what to do next; it
/// comes from the module's message bundle under [#code()].
public abstract class StillpointException extends RuntimeException {
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

    private final String code;

    /// @param anchor a class of the package whose bundle holds the text
    /// @param code the message's key, stable across releases, such as `vault.wrong-key`
    /// @param arguments what the text's placeholders stand for
    protected StillpointException(
            Class<?> anchor, String code, @Nullable Throwable cause, List<?> arguments) {
        super(Messages.of(anchor).text(code, arguments.toArray()), cause);
        this.code = code;
    }

    /// The text for the user; never null.
    @Override
    public final String getMessage() {
        return Objects.requireNonNull(super.getMessage());
    }

    /// The stable code: part of the contract of the command line's `--json` output.
    public final String code() {
        return code;
    }

    /// Whether the same call may succeed later with nothing changed by the user.
    public abstract boolean retryable();

    /// Who has to act.
    public abstract Blame blame();
}
