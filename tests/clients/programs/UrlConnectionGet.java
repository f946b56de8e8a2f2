import java.net.URL;

class UrlConnectionGet {
  public static void main(String[] arguments) throws Exception {
    try (var body = new URL(arguments[0]).openConnection().getInputStream()) {
      System.out.println(new String(body.readAllBytes()));
    }
  }
}
