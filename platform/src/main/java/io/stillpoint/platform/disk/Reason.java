package io.stillpoint.platform.disk;

import io.stillpoint.platform.StillpointException;
import io.stillpoint.platform.natives.OtherTypeException;
import io.stillpoint.platform.text.Text;
import java.io.EOFException;
import java.io.FileNotFoundException;
import java.io.InterruptedIOException;
import java.io.UncheckedIOException;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.net.http.HttpTimeoutException;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.UnresolvedAddressException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.AccessDeniedException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.NotLinkException;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// Why something of the system's failed, in words for people: what follows a colon in a message. Java's exceptions say it by
/// their class, with the path alone for a text, or in the system's own words; neither their names nor they themselves belong into a
/// message.
public enum Reason {
    NO_SUCH_FILE,
    DENIED,
    NOT_PERMITTED,
    EXISTS,
    NOT_A_FOLDER,
    IS_A_FOLDER,
    FOLDER_NOT_EMPTY,
    IS_A_LINK,
    IS_A_PIPE,
    IS_A_SOCKET,
    IS_A_DEVICE,
    NO_SPACE,
    QUOTA,
    READ_ONLY,
    TOO_MANY_FILES,
    NAME_TOO_LONG,
    FILE_TOO_LARGE,
    TOO_MANY_LINKS,
    OTHER_FILE_SYSTEM,
    BUSY,
    NO_DEVICE,
    IO_ERROR,
    STALE,
    NO_MEMORY,
    NO_LOCKS,
    INVALID,
    NOT_SUPPORTED,
    NOT_RUNNABLE,
    INTERRUPTED,
    CLOSED,
    ENDED,
    NOT_TEXT,
    NOT_A_PATH,
    UNKNOWN_HOST,
    UNREACHABLE,
    REFUSED,
    RESET,
    NO_ANSWER,
    /// The text of the exception itself says it.
    OTHER;

    private static final int CAUSES_MAX = 8;

    /// `/a/file (Permission denied)`, and `Cannot run program "x": Exec failed, error: 2 (No such file or directory)`
    private static final Pattern BRACKETS =
            Pattern.compile(".*\\(([^()]+)\\)[\\s.]*", Pattern.DOTALL);

    /// `java.io.IOException: text`
    private static final Pattern CLASS_NAME =
            Pattern.compile("(?:[a-z][\\w$]*\\.)+[A-Z][\\w$]*(?:: |$)");

    /// What strerror(3) says, in small letters, to what it means here. The longer texts first where one begins with another.
    private static final Map<String, Reason> SYSTEM =
            Map.ofEntries(
                    Map.entry("no such file or directory", NO_SUCH_FILE),
                    Map.entry("permission denied", DENIED),
                    Map.entry("operation not permitted", NOT_PERMITTED),
                    Map.entry("file exists", EXISTS),
                    Map.entry("not a directory", NOT_A_FOLDER),
                    Map.entry("is a directory", IS_A_FOLDER),
                    Map.entry("directory not empty", FOLDER_NOT_EMPTY),
                    Map.entry("too many levels of symbolic links", IS_A_LINK),
                    Map.entry("no space left on device", NO_SPACE),
                    Map.entry("disk quota exceeded", QUOTA),
                    Map.entry("quota exceeded", QUOTA),
                    Map.entry("read-only file system", READ_ONLY),
                    Map.entry("too many open files", TOO_MANY_FILES),
                    Map.entry("too many open files in system", TOO_MANY_FILES),
                    Map.entry("file name too long", NAME_TOO_LONG),
                    Map.entry("file too large", FILE_TOO_LARGE),
                    Map.entry("too many links", TOO_MANY_LINKS),
                    Map.entry("invalid cross-device link", OTHER_FILE_SYSTEM),
                    Map.entry("device or resource busy", BUSY),
                    Map.entry("text file busy", BUSY),
                    Map.entry("resource temporarily unavailable", BUSY),
                    Map.entry("no such device", NO_DEVICE),
                    Map.entry("no such device or address", NO_DEVICE),
                    Map.entry("no medium found", NO_DEVICE),
                    Map.entry("input/output error", IO_ERROR),
                    Map.entry("stale file handle", STALE),
                    Map.entry("cannot allocate memory", NO_MEMORY),
                    Map.entry("no locks available", NO_LOCKS),
                    Map.entry("invalid argument", INVALID),
                    Map.entry("operation not supported", NOT_SUPPORTED),
                    Map.entry("function not implemented", NOT_SUPPORTED),
                    Map.entry("exec format error", NOT_RUNNABLE),
                    Map.entry("interrupted system call", INTERRUPTED),
                    Map.entry("connection refused", REFUSED),
                    Map.entry("connection reset", RESET),
                    Map.entry("connection reset by peer", RESET),
                    Map.entry("broken pipe", RESET),
                    Map.entry("connection timed out", NO_ANSWER),
                    Map.entry("network is unreachable", UNREACHABLE),
                    Map.entry("no route to host", UNREACHABLE),
                    Map.entry("closed", CLOSED));

    /// In words, without the name of what failed: that is for the message to say. Never null, never empty, never a class's name.
    public static Text of(Throwable failure) {
        Throwable telling = telling(failure);
        Reason reason = kind(failure);
        return reason == OTHER ? ownText(telling) : reason.text();
    }

    /// Which of the known reasons it is.
    public static Reason kind(Throwable failure) {
        Throwable telling = telling(failure);
        Reason byClass = byClass(telling);
        if (byClass != null) {
            return byClass;
        }
        String text = systemText(telling).strip().toLowerCase(Locale.ROOT);
        return SYSTEM.getOrDefault(text, OTHER);
    }

    /// Whether there is no room for what was to be written, be it on the disk or within what the user may take of it.
    public static boolean isFull(Throwable failure) {
        Reason kind = kind(failure);
        return kind == NO_SPACE || kind == QUOTA;
    }

    private Text text() {
        return Text.of(Reason.class, "reason." + name().toLowerCase(Locale.ROOT).replace('_', '-'));
    }

    /// The one of the causes that says something.
    private static Throwable telling(Throwable failure) {
        Throwable telling = failure;
        for (int i = 0; i < CAUSES_MAX; i++) {
            Throwable cause = telling.getCause();
            boolean isWrapper =
                    telling instanceof UncheckedIOException
                            || telling instanceof ExecutionException
                            || (cause != null
                                    && byClass(telling) == null
                                    && (telling.getMessage() == null
                                            || telling.getMessage().equals(cause.toString())));
            if (cause == null || !isWrapper) {
                return telling;
            }
            telling = cause;
        }
        return telling;
    }

    private static @Nullable Reason byClass(Throwable e) {
        return switch (e) {
            case OtherTypeException other ->
                    switch (other.type()) {
                        case LINK -> IS_A_LINK;
                        case PIPE -> IS_A_PIPE;
                        case SOCKET -> IS_A_SOCKET;
                        case BLOCK_DEVICE, CHARACTER_DEVICE -> IS_A_DEVICE;
                        case FOLDER -> IS_A_FOLDER;
                        case FILE -> NOT_A_FOLDER;
                    };
            case NoSuchFileException _ -> NO_SUCH_FILE;
            case AccessDeniedException _ -> DENIED;
            case FileAlreadyExistsException _ -> EXISTS;
            case NotDirectoryException _ -> NOT_A_FOLDER;
            case DirectoryNotEmptyException _ -> FOLDER_NOT_EMPTY;
            case FileSystemLoopException _, NotLinkException _ -> IS_A_LINK;
            case AtomicMoveNotSupportedException _ -> OTHER_FILE_SYSTEM;
            case ClosedByInterruptException _, InterruptedException _ -> INTERRUPTED;
            case AsynchronousCloseException _, ClosedChannelException _ -> CLOSED;
            case SocketTimeoutException _, HttpTimeoutException _, TimeoutException _ -> NO_ANSWER;
            case InterruptedIOException _ -> INTERRUPTED;
            case EOFException _ -> ENDED;
            case CharacterCodingException _ -> NOT_TEXT;
            case InvalidPathException _ -> NOT_A_PATH;
            case UnknownHostException _, UnresolvedAddressException _ -> UNKNOWN_HOST;
            case NoRouteToHostException _ -> UNREACHABLE;
            case ConnectException refused when refused.getMessage() == null -> UNREACHABLE;
            default -> null;
        };
    }

    /// What the system said, of what Java made of it.
    private static String systemText(Throwable e) {
        if (e instanceof FileSystemException file) {
            String reason = file.getReason();
            return reason == null ? "" : reason;
        }
        String message = e.getMessage();
        if (message == null) {
            return "";
        }
        if (e instanceof FileNotFoundException || message.startsWith("Cannot run program")) {
            Matcher brackets = BRACKETS.matcher(message);
            if (brackets.matches()) {
                return brackets.group(1);
            }
            int last = message.lastIndexOf(", ");
            return last < 0 ? message : message.substring(last + 2);
        }
        return message;
    }

    private static Text ownText(Throwable e) {
        if (e instanceof StillpointException known) {
            return known.text();
        }
        String text = CLASS_NAME.matcher(systemText(e)).replaceAll("").strip();
        if (text.isEmpty() && e.getMessage() != null && !(e instanceof FileSystemException)) {
            text = CLASS_NAME.matcher(e.getMessage()).replaceAll("").strip();
        }
        return text.isEmpty() ? OTHER.text() : Text.verbatim(text);
    }
}
