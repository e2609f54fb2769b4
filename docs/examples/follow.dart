// Follows a task from its first event to its last: dart run follow.dart TASK
import 'dart:convert';
import 'dart:io';

import 'package:centrifuge/centrifuge.dart';
import 'package:fixnum/fixnum.dart';

const last = {'task.completed', 'task.failed', 'task.canceled', 'task.rejected'};

void main(List<String> arguments) async {
  final url = Platform.environment['PYGENT_URL']!.replaceFirst('http', 'ws');
  final config = ClientConfig(token: Platform.environment['PYGENT_API_KEY']!);
  final client = createClient('$url/connection/websocket', config);
  client.disconnected.listen((event) {
    if (event.code < 100) return; // our own; on a cut the client comes back by itself
    stderr.writeln(event.reason);
    exit(1);
  });

  // Where to begin: after no event at all. Later the client goes on from what it has seen.
  final since = StreamPosition(Int64.ZERO, '');
  final task = client.newSubscription('task:${arguments[0]}', SubscriptionConfig(since: since));
  task.unsubscribed.listen((event) => stderr.writeln(event.reason));
  task.publication.listen((publication) async {
    final event = json.decode(utf8.decode(publication.data));
    print('${publication.offset} ${event['type']}'); // the offset is the event's version
    if (last.contains(event['type'])) await client.disconnect();
  });
  await task.subscribe();
  await client.connect();
}
