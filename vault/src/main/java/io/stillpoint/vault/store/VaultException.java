package io.stillpoint.vault.store;

import io.stillpoint.platform.FailureKind;
import io.stillpoint.platform.StillpointException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// A vault, its store or its key failed. The code tells what; see `messages.properties`.
public final class VaultException extends StillpointException {
    private static final long serialVersionUID = 1L;

    /// What failed, in classes that call for different actions.
    public enum Kind implements FailureKind {
        /// The key file or passphrase opens no slot of this vault.
        WRONG_KEY(false, Blame.USER),
        /// The key file, passphrase or recovery sheet can't be read, is none, or won't do.
        KEY_FILE(false, Blame.USER),
        /// There is no vault here.
        NOT_A_VAULT(false, Blame.USER),
        /// Something is there already that must not be overwritten.
        EXISTS(false, Blame.USER),
        /// Written by a newer program.
        TOO_NEW(false, Blame.USER),
        /// No recovery point or disk of that name.
        NOT_FOUND(false, Blame.USER),
        /// It would do harm that can't be undone.
        REFUSED(false, Blame.USER),
        /// The store's address or an option of it is not of the right form.
        LOCATION(false, Blame.USER),
        /// The store refuses, and will until something is set right: access, address, clock.
        DENIED(false, Blame.USER),
        /// More would cost more than was allowed.
        BUDGET(false, Blame.USER),
        /// The store can't do this at all.
        UNSUPPORTED(false, Blame.USER),
        /// A lock forbids it until a certain time.
        RETAINED(false, Blame.USER),
        /// Another process was faster or took this one for dead; to start anew helps.
        OVERTAKEN(true, Blame.ENVIRONMENT),
        /// Stored bytes are not what was written.
        DAMAGED(false, Blame.DAMAGE),
        /// An object that must exist does not.
        MISSING(false, Blame.DAMAGE),
        /// The store failed.
        STORE(true, Blame.ENVIRONMENT),
        /// The store has no room.
        STORE_FULL(true, Blame.ENVIRONMENT);

        private final boolean retryable;
        private final Blame blame;

        Kind(boolean retryable, Blame blame) {
            this.retryable = retryable;
            this.blame = blame;
        }

        @Override
        public boolean retryable() {
            return retryable;
        }

        @Override
        public Blame blame() {
            return blame;
        }
    }

    public VaultException(Kind kind, String code, @Nullable Throwable cause, Object... arguments) {
        this(VaultException.class, kind, code, cause, arguments);
    }

    /// @param anchor a class of the package whose bundle holds the text
    public VaultException(
            Class<?> anchor,
            Kind kind,
            String code,
            @Nullable Throwable cause,
            Object... arguments) {
        super(anchor, kind, code, cause, List.of(arguments));
    }

    /// A part of an object is not what was written.
    ///
    /// @param store its description
    /// @param part which part, in a word
    public static VaultException damaged(ObjectName name, String store, String part) {
        return new VaultException(Kind.DAMAGED, "vault.damaged", null, store, name, part);
    }

    /// Whether an object does not hold what a holder of the key wrote. A version that is not ours counts: once a vault is open,
    /// anybody who can write to its store can make one.
    public boolean isJunk() {
        return kind() == Kind.DAMAGED || kind() == Kind.TOO_NEW;
    }

    /// Throws this again unless it [#isDamage], which the caller has another way round.
    public void requireDamage() {
        if (!isDamage()) {
            throw this;
        }
    }

    /// Whether something that was written can't be read: its object is missing, or is junk.
    public boolean isDamage() {
        return kind() == Kind.MISSING || isJunk();
    }

    @Override
    public Kind kind() {
        return (Kind) super.kind();
    }
}
