import java.io.BufferedInputStream;
import java.io.BufferedReader;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.concurrent.TimeUnit;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;

/**
 * Reads archives from front to back, as servers do with uploads. Standard input has a path a line. For each of them:
 * "SIZE SHA-256 TIME NAME" of every entry (its time of modification in seconds since 1970), then "." or, when it was
 * refused, "!" and why.
 */
final class Entries {
    private static final byte[] BUFFER = new byte[1 << 20];

    public static void main(String[] arguments) throws IOException, NoSuchAlgorithmException {
        var paths = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        var out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        for (String path = paths.readLine(); path != null; path = paths.readLine()) {
            try (var zip = new ZipInputStream(new BufferedInputStream(new FileInputStream(path), 1 << 20))) {
                for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
                    long modified = entry.getLastModifiedTime().to(TimeUnit.SECONDS);
                    out.print(hashed(zip) + " " + modified + " " + entry.getName() + "\n");
                }
                out.println(".");
            } catch (IOException refused) {
                out.println("!" + refused);
            }
        }
    }

    private static String hashed(ZipInputStream zip) throws IOException, NoSuchAlgorithmException {
        var digest = MessageDigest.getInstance("SHA-256");
        long size = 0;
        for (int count = zip.read(BUFFER); count >= 0; count = zip.read(BUFFER)) {
            digest.update(BUFFER, 0, count);
            size += count;
        }
        return size + " " + HexFormat.of().formatHex(digest.digest());
    }
}
