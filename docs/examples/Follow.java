// Follows a task from its first event to its last: java -cp … Follow.java TASK
import static java.nio.charset.StandardCharsets.UTF_8;

import io.github.centrifugal.centrifuge.*;
import java.util.concurrent.CountDownLatch;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

public class Follow {
    // An event is one line of JSON whose first field is its type; an application reads it with a parser.
    private static final Pattern TYPE = Pattern.compile("^\\{\"type\":\"([a-z_.]+)\"");
    private static final Pattern LAST = Pattern.compile("task\\.(completed|failed|canceled|rejected)");

    public static void main(String[] arguments) throws Exception {
        CountDownLatch over = new CountDownLatch(1);
        Options options = new Options();
        options.setToken(System.getenv("PYGENT_API_KEY"));
        String url = System.getenv("PYGENT_URL").replaceFirst("http", "ws") + "/connection/websocket";
        Client client = new Client(url, options, new EventListener() {
            @Override
            public void onDisconnected(Client client, DisconnectedEvent event) {
                if (event.getCode() < 100) return; // our own; on a cut the client comes back by itself
                System.err.println(event.getReason());
                over.countDown();
            }
        });

        SubscriptionOptions from = new SubscriptionOptions();
        // Where to begin: after no event at all. Later the client goes on from what it has seen.
        from.setSince(new StreamPosition(0, ""));
        Subscription task = client.newSubscription("task:" + arguments[0], from, new SubscriptionEventListener() {
            @Override
            public void onPublication(Subscription task, PublicationEvent event) {
                Matcher type = TYPE.matcher(new String(event.getData(), UTF_8));
                if (!type.find()) return;
                System.out.println(event.getOffset() + " " + type.group(1)); // the offset is the version
                if (LAST.matcher(type.group(1)).matches()) over.countDown();
            }

            @Override
            public void onUnsubscribed(Subscription task, UnsubscribedEvent event) {
                System.err.println(event.getReason());
                over.countDown();
            }
        });
        task.subscribe();
        client.connect();
        over.await();
        client.close(1000);
    }
}
