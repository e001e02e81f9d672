import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.io.FileReader;
import java.util.Properties;

/** Opens a pool from properties on a real server, and compares it with the plan: 9 connections, 1 kept, 7 s. */
class Hikari {
    public static void main(String[] arguments) throws Exception {
        Properties properties = new Properties();
        properties.load(new FileReader(arguments[0]));
        // an unknown property is an error
        try (HikariDataSource pool = new HikariDataSource(new HikariConfig(properties));
                var connection = pool.getConnection();
                var answer = connection.createStatement().executeQuery(
                        "select current_setting('statement_timeout'), current_setting('application_name')")) {
            answer.next();
            String seen = pool.getMaximumPoolSize() + " " + pool.getMinimumIdle() + " " + answer.getString(1)
                    + " " + answer.getString(2) + " " + pool.getPoolName();
            if (!seen.equals("9 1 7s shop shop")) {
                throw new AssertionError(seen);
            }
        }
    }
}
