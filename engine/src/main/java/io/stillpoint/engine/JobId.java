package io.stillpoint.engine;

import io.stillpoint.platform.Randomness;
import java.util.regex.Pattern;

/// Names one run of a job, from its first step to its last, whichever process takes them.
///
/// @param value 1 to 64 letters, digits and `._-`
public record JobId(String value) {
    private static final Pattern FORM = Pattern.compile("[A-Za-z0-9._-]{1,64}");
    private static final int BYTES = 8;

    public JobId {
        if (!FORM.matcher(value).matches()) {
            throw new IllegalArgumentException("no job's id: " + value);
        }
    }

    /// One that no other job has.
    public static JobId random(Randomness randomness) {
        return new JobId(randomness.hex(BYTES));
    }

    @Override
    public String toString() {
        return value;
    }
}
