package io.stillpoint.integration;

import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.net.URI;
import java.nio.channels.FileChannel;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.AccessMode;
import java.nio.file.CopyOption;
import java.nio.file.DirectoryStream;
import java.nio.file.FileStore;
import java.nio.file.FileSystem;
import java.nio.file.LinkOption;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.nio.file.WatchService;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.FileAttributeView;
import java.nio.file.attribute.UserPrincipalLookupService;
import java.nio.file.spi.FileSystemProvider;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;

/// Real files of the default file system, reached by paths that count each thing asked of them, and each name that a folder tells.
final class CountedFiles extends FileSystemProvider {
    private final AtomicLong steps = new AtomicLong();
    private final FileSystem files = new Files();

    /// The same place, counted.
    Path path(Path real) {
        return (Path)
                Proxy.newProxyInstance(
                        CountedFiles.class.getClassLoader(),
                        new Class<?>[] {Path.class},
                        (proxy, method, arguments) -> {
                            if (method.getName().equals("getFileSystem")) {
                                return files;
                            }
                            Object[] given = arguments == null ? new Object[0] : arguments.clone();
                            for (int i = 0; i < given.length; i++) {
                                given[i] = given[i] instanceof Path path ? real(path) : given[i];
                            }
                            try {
                                Object result = method.invoke(real, given);
                                return result instanceof Path path ? path(path) : result;
                            } catch (InvocationTargetException e) {
                                throw e.getCause();
                            }
                        });
    }

    long steps() {
        return steps.get();
    }

    private static Path real(Path path) {
        return Path.of(path.toString());
    }

    private FileSystemProvider counted() {
        steps.incrementAndGet();
        return Path.of("/").getFileSystem().provider();
    }

    @Override
    public DirectoryStream<Path> newDirectoryStream(
            Path folder, DirectoryStream.Filter<? super Path> filter) throws IOException {
        List<Path> told = new ArrayList<>();
        try (DirectoryStream<Path> names = counted().newDirectoryStream(real(folder), _ -> true)) {
            for (Path name : names) {
                steps.incrementAndGet();
                Path path = path(name);
                if (filter.accept(path)) {
                    told.add(path);
                }
            }
        }
        return new DirectoryStream<>() {
            @Override
            public Iterator<Path> iterator() {
                return told.iterator();
            }

            @Override
            public void close() {}
        };
    }

    @Override
    public FileChannel newFileChannel(
            Path path, Set<? extends OpenOption> options, FileAttribute<?>... attributes)
            throws IOException {
        return counted().newFileChannel(real(path), options, attributes);
    }

    @Override
    public SeekableByteChannel newByteChannel(
            Path path, Set<? extends OpenOption> options, FileAttribute<?>... attributes)
            throws IOException {
        return counted().newByteChannel(real(path), options, attributes);
    }

    @Override
    public void createDirectory(Path folder, FileAttribute<?>... attributes) throws IOException {
        counted().createDirectory(real(folder), attributes);
    }

    @Override
    public void delete(Path path) throws IOException {
        counted().delete(real(path));
    }

    @Override
    public void move(Path from, Path to, CopyOption... options) throws IOException {
        counted().move(real(from), real(to), options);
    }

    @Override
    public void copy(Path from, Path to, CopyOption... options) throws IOException {
        counted().copy(real(from), real(to), options);
    }

    @Override
    public boolean isSameFile(Path path, Path other) throws IOException {
        return counted().isSameFile(real(path), real(other));
    }

    @Override
    public boolean isHidden(Path path) throws IOException {
        return counted().isHidden(real(path));
    }

    @Override
    public FileStore getFileStore(Path path) throws IOException {
        return counted().getFileStore(real(path));
    }

    @Override
    public void checkAccess(Path path, AccessMode... modes) throws IOException {
        counted().checkAccess(real(path), modes);
    }

    @Override
    public <V extends FileAttributeView> V getFileAttributeView(
            Path path, Class<V> type, LinkOption... options) {
        return counted().getFileAttributeView(real(path), type, options);
    }

    @Override
    public <A extends BasicFileAttributes> A readAttributes(
            Path path, Class<A> type, LinkOption... options) throws IOException {
        return counted().readAttributes(real(path), type, options);
    }

    @Override
    public Map<String, Object> readAttributes(Path path, String names, LinkOption... options)
            throws IOException {
        return counted().readAttributes(real(path), names, options);
    }

    @Override
    public void setAttribute(Path path, String name, Object value, LinkOption... options)
            throws IOException {
        counted().setAttribute(real(path), name, value, options);
    }

    @Override
    public String getScheme() {
        return "counted";
    }

    @Override
    public FileSystem newFileSystem(URI uri, Map<String, ?> environment) {
        throw new UnsupportedOperationException();
    }

    @Override
    public FileSystem getFileSystem(URI uri) {
        throw new UnsupportedOperationException();
    }

    @Override
    public Path getPath(URI uri) {
        throw new UnsupportedOperationException();
    }

    private final class Files extends FileSystem {
        private final FileSystem real = Path.of("/").getFileSystem();

        @Override
        public FileSystemProvider provider() {
            return CountedFiles.this;
        }

        @Override
        public Path getPath(String first, String... more) {
            return path(real.getPath(first, more));
        }

        @Override
        public String getSeparator() {
            return real.getSeparator();
        }

        @Override
        public boolean isOpen() {
            return true;
        }

        @Override
        public boolean isReadOnly() {
            return false;
        }

        @Override
        public void close() {}

        @Override
        public Iterable<Path> getRootDirectories() {
            throw new UnsupportedOperationException();
        }

        @Override
        public Iterable<FileStore> getFileStores() {
            throw new UnsupportedOperationException();
        }

        @Override
        public Set<String> supportedFileAttributeViews() {
            return real.supportedFileAttributeViews();
        }

        @Override
        public PathMatcher getPathMatcher(String pattern) {
            throw new UnsupportedOperationException();
        }

        @Override
        public UserPrincipalLookupService getUserPrincipalLookupService() {
            return real.getUserPrincipalLookupService();
        }

        @Override
        public WatchService newWatchService() {
            throw new UnsupportedOperationException();
        }
    }
}
