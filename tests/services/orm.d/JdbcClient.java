import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Properties;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * An application on the JVM. It checks, as persistence libraries do, that each statement for one object met
 * one row, and rolls its transaction back where one did not.
 */
public final class JdbcClient {
    private final Connection connection;

    private JdbcClient(Connection connection) {
        this.connection = connection;
    }

    public static void main(String[] arguments) throws Exception {
        try (Connection connection = connect(arguments[0]);
                BufferedReader input = new BufferedReader(new InputStreamReader(System.in))) {
            connection.setAutoCommit(false);
            JdbcClient client = new JdbcClient(connection);
            for (String line = input.readLine(); line != null; line = input.readLine()) {
                System.out.println(client.answer(line.trim().split(" +")));
            }
        }
    }

    private static Connection connect(String url) throws SQLException {
        if (!url.startsWith("postgres")) {
            Properties properties = new Properties();
            properties.put("foreign_keys", "true");
            properties.put("busy_timeout", "30000");
            properties.put("transaction_mode", "IMMEDIATE");
            return DriverManager.getConnection("jdbc:sqlite:" + url, properties);
        }
        java.net.URI parts = java.net.URI.create(url);
        String[] login = parts.getUserInfo().split(":", 2);
        Properties properties = new Properties();
        properties.put("user", login[0]);
        properties.put("password", login[1]);
        if (parts.getQuery() != null) {
            properties.put("options", parts.getQuery().replaceFirst("^options=", ""));
        }
        String server = parts.getHost() + ":" + parts.getPort();
        return DriverManager.getConnection("jdbc:postgresql://" + server + parts.getPath(), properties);
    }

    private String answer(String[] words) throws SQLException {
        try {
            String result = run(words);
            connection.commit();
            return "ok " + result;
        } catch (SQLException | IllegalStateException error) {
            connection.rollback();
            return "error " + String.valueOf(error.getMessage()).replaceAll("\\s+", " ");
        }
    }

    private String run(String[] words) throws SQLException {
        switch (words[0]) {
            case "insert":
                return "" + insert(words[1]);
            case "save":
                one("UPDATE orchards SET trees = ? WHERE name = ?", Integer.valueOf(words[2]), words[1]);
                return "saved";
            case "save_unchanged":
                one("UPDATE orchards SET name = name, trees = trees, note = note WHERE name = ?", words[1]);
                return "saved";
            case "delete":
                one("DELETE FROM orchards WHERE name = ?", words[1]);
                return "deleted";
            case "exchange":
                // Work before the deletion, and work after it, in its transaction.
                insert(words[2]);
                one("UPDATE orchards SET note = ? WHERE name = ?", "last words", words[1]);
                one("DELETE FROM orchards WHERE name = ?", words[1]);
                one("UPDATE orchards SET note = ? WHERE name = ?", "instead of " + words[1], words[2]);
                return "exchanged";
            case "delete_twice":
                one("DELETE FROM orchards WHERE name = ?", words[1]);
                one("DELETE FROM orchards WHERE name = ?", words[1]);
                return "deleted";
            case "batch_delete":
                return batchDelete(words);
            case "columns":
                return columns();
            default:
                throw new IllegalStateException("no such operation: " + words[0]);
        }
    }

    private long insert(String name) throws SQLException {
        String sql = "INSERT INTO orchards (name) VALUES (?)";
        try (PreparedStatement statement =
                connection.prepareStatement(sql, Statement.RETURN_GENERATED_KEYS)) {
            statement.setString(1, name);
            expectOne(statement.executeUpdate(), sql);
            try (ResultSet keys = statement.getGeneratedKeys()) {
                keys.next();
                return keys.getLong(1);
            }
        }
    }

    private void one(String sql, Object... values) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            for (int at = 0; at < values.length; at++) {
                statement.setObject(at + 1, values[at]);
            }
            expectOne(statement.executeUpdate(), sql);
        }
    }

    private String batchDelete(String[] words) throws SQLException {
        String sql = "DELETE FROM orchards WHERE name = ?";
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            for (int at = 1; at < words.length; at++) {
                statement.setString(1, words[at]);
                statement.addBatch();
            }
            for (int rows : statement.executeBatch()) {
                expectOne(rows, sql);
            }
        }
        return "" + (words.length - 1);
    }

    private String columns() throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery("SELECT * FROM orchards")) {
            int count = rows.getMetaData().getColumnCount();
            Stream.Builder<String> names = Stream.builder();
            for (int at = 1; at <= count; at++) {
                names.add(rows.getMetaData().getColumnName(at));
            }
            return names.build().collect(Collectors.joining(" "));
        }
    }

    private static void expectOne(int rows, String sql) {
        if (rows != 1) {
            throw new IllegalStateException("stale object: " + rows + " rows, not 1, by " + sql);
        }
    }
}
