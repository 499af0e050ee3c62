package io.stillpoint.platform.setting;

import io.stillpoint.platform.FailureKind;
import io.stillpoint.platform.StillpointException;
import io.stillpoint.platform.text.Text;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// What somebody wrote can't be used.
public final class SettingsException extends StillpointException {
    private static final long serialVersionUID = 1L;

    /// There is one only: somebody has to write it differently.
    public enum Kind implements FailureKind {
        WRITTEN;

        @Override
        public boolean retryable() {
            return false;
        }

        @Override
        public Blame blame() {
            return Blame.USER;
        }
    }

    private final String source;
    private final transient List<SettingTree.Problem> problems;

    private SettingsException(
            String code,
            @Nullable Throwable cause,
            List<SettingTree.Problem> problems,
            String source,
            Object more) {
        super(SettingsException.class, Kind.WRITTEN, code, cause, List.of(source, more));
        this.source = source;
        this.problems = List.copyOf(problems);
    }

    static SettingsException of(String source, List<SettingTree.Problem> problems) {
        List<Text> texts = problems.stream().map(SettingTree.Problem::text).toList();
        return new SettingsException(
                "setting.wrong", null, problems, source, Text.joined(" ", texts));
    }

    /// It is no tree at all.
    ///
    /// @param why in the words of its parser
    public static SettingsException unreadable(String source, String why, Throwable cause) {
        return new SettingsException("setting.unreadable", cause, List.of(), source, why);
    }

    /// What people call it, such as the file's path.
    public String source() {
        return source;
    }

    /// What is wrong, each with its path; empty if it could not even be parsed.
    public List<SettingTree.Problem> problems() {
        return problems;
    }
}
