use strict;
use warnings;
use LWP::UserAgent;

my $reply = LWP::UserAgent->new(env_proxy => 1)->get($ARGV[0]);
die $reply->status_line, "\n" unless $reply->is_success;
print $reply->content, "\n";
