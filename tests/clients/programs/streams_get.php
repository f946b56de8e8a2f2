<?php
$options = ["proxy" => "tcp://" . $argv[2], "request_fulluri" => str_starts_with($argv[1], "http:")];
$body = file_get_contents($argv[1], false, stream_context_create(["http" => $options]));
if ($body === false) {
    exit(1);
}
echo $body, "\n";
