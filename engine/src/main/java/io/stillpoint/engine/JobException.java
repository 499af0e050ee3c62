package io.stillpoint.engine;

import io.stillpoint.platform.FailureKind;
import io.stillpoint.platform.StillpointException;
import io.stillpoint.platform.text.Text;
import io.stillpoint.vault.point.Consistency;
import io.stillpoint.vault.store.ObjectId;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// A job is not done although it could be, because somebody wants it so: the guest's owner, or the policy. Or it is not
/// known how a job stands.
public final class JobException extends StillpointException {
    private static final long serialVersionUID = 1L;

    /// What stands in the way, in classes that call for different actions.
    public enum Kind implements FailureKind {
        /// The guest is not as it should be; it may fare better the next time.
        GUEST(true, Blame.GUEST),
        /// What was asked for does not fit together; asking again changes nothing.
        MISUSE(false, Blame.USER),
        /// A journal holds what no journal should.
        JOURNAL(false, Blame.ENVIRONMENT),
        /// The job has ended before; a new one may fare better.
        ENDED(true, Blame.ENVIRONMENT);

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

    private JobException(Kind kind, String code, @Nullable Throwable cause, Object... arguments) {
        super(JobException.class, kind, code, cause, List.of(arguments));
    }

    /// What was asked for does not fit together.
    static JobException misuse(String code, Object... arguments) {
        return new JobException(Kind.MISUSE, code, null, arguments);
    }

    /// The snapshot would be of less worth than the policy accepts.
    static JobException below(Consistency reached, Consistency atLeast, Shortfall why) {
        return new JobException(
                Kind.GUEST,
                "engine.below-minimum",
                null,
                reached.word(),
                atLeast.word(),
                why.text());
    }

    /// The guest's owner wants no point where a script fails.
    static JobException scriptsDemand(Text detail) {
        return new JobException(Kind.GUEST, "engine.scripts-demand", null, detail);
    }

    /// What a journal holds is no record, or one of another version.
    ///
    /// @param what is wrong with it: words of the format, or a text
    static JobException unreadable(Object what, @Nullable Throwable cause) {
        return new JobException(Kind.JOURNAL, "engine.journal-unreadable", cause, what);
    }

    /// A job that has failed before, as its journal says.
    static JobException before(String code, String text) {
        return new JobException(Kind.ENDED, "engine.failed-before", null, code, text);
    }

    /// A point that was made is not there any more.
    static JobException pointGone(ObjectId point) {
        return new JobException(Kind.ENDED, "engine.point-gone", null, point);
    }

    /// What is read there could be anybody's.
    static JobException socketOfOthers(Object socket, Object folder) {
        return new JobException(Kind.MISUSE, "engine.socket-of-others", null, socket, folder);
    }

    /// A snapshot that was read was not whole at the end.
    static JobException snapshotEnded() {
        return new JobException(Kind.ENDED, "engine.snapshot-ended", null);
    }

    @Override
    public Kind kind() {
        return (Kind) super.kind();
    }
}
