package io.stillpoint.service.database;

import java.time.Instant;
import java.util.Map;
import java.util.Optional;

/// A VM as the database has it.
///
/// @param name what the hypervisor calls it now; may be empty
/// @param power the hypervisor's word
/// @param trouble why nothing is known of it now
public record Machine(
        VmKey key,
        String name,
        String power,
        Optional<String> trouble,
        Map<String, String> tags,
        Instant firstSeenAt,
        Instant seenAt,
        Protection protection) {
    public Machine {
        tags = Map.copyOf(tags);
    }

    /// Whether and how a VM is backed up.
    ///
    /// @param policy empty: it is not
    /// @param byHand whether somebody chose that
    /// @param pointName what its points are called; settled by the first job
    /// @param vault where they are, or will be
    /// @param since slots before don't count
    public record Protection(
            Optional<String> policy,
            boolean byHand,
            Optional<String> pointName,
            Optional<String> vault,
            Optional<Instant> since) {
        /// The points that it has, or will have; empty before its first job.
        public Optional<Points.Line> line() {
            return vault.flatMap(in -> pointName.map(name -> new Points.Line(in, name)));
        }

        /// Of a VM that nobody has chosen.
        public static final Protection NONE =
                new Protection(
                        Optional.empty(),
                        false,
                        Optional.empty(),
                        Optional.empty(),
                        Optional.empty());
    }

    /// The same VM, protected so.
    public Machine with(Protection other) {
        return new Machine(key, name, power, trouble, tags, firstSeenAt, seenAt, other);
    }

    /// What the hypervisor calls it, else its id.
    public String called() {
        return name.isEmpty() ? key.id().text() : name;
    }

    /// Its host, and what people call it.
    public String place() {
        return key.host() + "/" + shown();
    }

    /// What people call it.
    public String shown() {
        return protection.pointName().orElseGet(this::called);
    }
}
