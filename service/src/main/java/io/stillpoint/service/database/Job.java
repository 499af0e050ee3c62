package io.stillpoint.service.database;

import java.time.Instant;
import java.util.Optional;

/// A job as the database has it.
///
/// @param id also the engine's
/// @param policy by which it is; empty for a VM without one
/// @param due the slot, or when it was asked for
/// @param deadline when it should have ended
/// @param order what whoever asked for it wants of its point
/// @param course how far it is
public record Job(
        String id,
        VmKey vm,
        String vault,
        Optional<String> policy,
        Cause cause,
        Instant due,
        Instant deadline,
        Order order,
        Course course) {

    /// What whoever asked for a job on demand wants of its point.
    ///
    /// @param keepUntil empty: until somebody deletes it
    /// @param reason for people; may be empty
    public record Order(Optional<Instant> keepUntil, String reason) {
        /// Of a scheduled job: its policy says it all.
        public static final Order NONE = new Order(Optional.empty(), "");
    }

    /// How far a job is.
    ///
    /// @param attempts begun so far
    /// @param record the last of the engine's journal, as JSON
    /// @param code of the last failure
    /// @param message of the last failure, in the root language
    public record Course(
            JobState state,
            int attempts,
            boolean cancelAsked,
            Instant createdAt,
            Optional<Instant> startedAt,
            Optional<Instant> endedAt,
            Optional<Instant> retryAt,
            Optional<String> record,
            Optional<String> point,
            Optional<String> code,
            Optional<String> message) {
        /// Of a new job.
        public static Course queued(Instant now) {
            return new Course(
                    JobState.QUEUED,
                    0,
                    false,
                    now,
                    Optional.empty(),
                    Optional.empty(),
                    Optional.empty(),
                    Optional.empty(),
                    Optional.empty(),
                    Optional.empty(),
                    Optional.empty());
        }
    }

    /// Its state.
    public JobState state() {
        return course.state();
    }
}
