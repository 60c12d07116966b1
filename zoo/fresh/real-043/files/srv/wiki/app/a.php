<?php echo 'a';
