package io.stillpoint.planning.retention;

import io.stillpoint.platform.text.Text;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/// What a change of the rules would do to the points of one VM, before it is made.
///
/// @param changes one for each point, in the order of the points, also where nothing changes
/// @param notes what whoever changes the rules should know; often empty
public record RetentionPreview(List<Change> changes, List<Text> notes) {
    /// What the change does to one point.
    public enum Effect {
        /// The next clean-up deletes it, and would not have without the change.
        DELETED,
        /// The next clean-up would have deleted it, and does not.
        SAVED,
        /// It is kept longer.
        EXTENDED,
        /// It is kept, but not as long.
        SHORTENED,
        /// It is kept as long as before, or goes either way.
        NONE
    }

    /// One point under the rules before and after.
    public record Change(Verdict before, Verdict after) {
        public Change {
            if (!before.point().equals(after.point())) {
                throw new IllegalArgumentException("verdicts on two points");
            }
        }

        public Candidate point() {
            return before.point();
        }

        /// The latest point is kept under any rules: of it those dates are compared that count when there is a newer one.
        public Effect effect() {
            if (before.kept() != after.kept()) {
                return before.kept() ? Effect.DELETED : Effect.SAVED;
            }
            int longer = after.endOnceNewer().compareTo(before.endOnceNewer());
            return longer > 0 ? Effect.EXTENDED : longer < 0 ? Effect.SHORTENED : Effect.NONE;
        }
    }

    public RetentionPreview {
        changes = List.copyOf(changes);
        notes = List.copyOf(notes);
    }

    /// Compares.
    ///
    /// @param points all that the VM has in one vault, in any order
    /// @param now the time of the next clean-up
    /// @throws IllegalArgumentException if two points have the same id
    public static RetentionPreview of(
            List<Candidate> points, RetentionRules before, RetentionRules after, Instant now) {
        List<Verdict> old = Retention.judge(points, before, now);
        List<Verdict> changed = Retention.judge(points, after, now);
        List<Change> changes = new ArrayList<>(points.size());
        for (int i = 0; i < points.size(); i++) {
            changes.add(new Change(old.get(i), changed.get(i)));
        }
        List<Text> notes = new ArrayList<>();
        if (after.daily().isEmpty()) {
            long gone = changed.stream().filter(each -> !each.kept()).count();
            notes.add(Text.of(RetentionPreview.class, "retention.without-daily", gone));
        }
        return new RetentionPreview(changes, notes);
    }

    /// The changes with this effect, in the order of the points.
    public List<Change> with(Effect effect) {
        return changes.stream().filter(each -> each.effect() == effect).toList();
    }
}
